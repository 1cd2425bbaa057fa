//! A rule that returns the gradient of one parameter, where two hold floats.

use defn::prelude::*;

#[defn]
fn slope(x: Tensor<f32, n>, s: f32, y: Tensor<f32, n>, c: Tensor<f32, n>) -> Tensor<f32, n> {
    c * y + s * x
}

#[defn(grad = slope)]
fn f(x: Tensor<f32, n>, s: f32) -> Tensor<f32, n> {
    x * s
}

fn main() {}
