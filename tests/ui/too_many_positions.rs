//! A vector has one position.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    x[(0, 1)]
}

fn main() {}
