//! Bits of floats are no numbers.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x & x
}

fn main() {}
