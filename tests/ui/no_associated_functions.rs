//! Tensors are made by free functions.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x + Tensor::zeros(n)
}

fn main() {}
