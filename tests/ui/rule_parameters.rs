//! A rule without the result among its parameters.

use defn::prelude::*;

#[defn]
fn slope(x: Tensor<f32, n>, c: Tensor<f32, n>) -> Tensor<f32, n> {
    c * x
}

#[defn(grad = slope)]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * x
}

fn main() {}
