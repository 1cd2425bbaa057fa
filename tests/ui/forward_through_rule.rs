//! Tangents of something that has only gradients.

use defn::prelude::*;

#[defn]
fn slope(x: Tensor<f32, n>, y: Tensor<f32, n>, c: Tensor<f32, n>) -> Tensor<f32, n> {
    c * y + x
}

#[defn(grad = slope)]
fn square(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * x
}

#[defn]
fn total(x: Tensor<f32, n>) -> f32 {
    square(x).sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    jvp!(total)(x, x).1
}

fn main() {}
