//! A gradient of a value.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    grad!(x * x)(x)
}

fn main() {}
