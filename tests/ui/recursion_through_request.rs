//! A function does not differentiate itself.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    grad!(f)(x)
}

fn main() {}
