//! A rule whose cotangent is a number.

use defn::prelude::*;

#[defn]
fn slope(x: Tensor<f32, n>, y: Tensor<f32, n>, c: f32) -> Tensor<f32, n> {
    c * y + x
}

#[defn(grad = slope)]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * x
}

fn main() {}
