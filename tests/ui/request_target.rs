//! A gradient of nothing.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    grad!()(x)
}

fn main() {}
