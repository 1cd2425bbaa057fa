//! A branch is taken by one truth value.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    if x > 0.0 { x } else { x * 0.1 }
}

fn main() {}
