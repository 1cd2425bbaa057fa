//! Zeros of which type?

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x + zeros(n)
}

fn main() {}
