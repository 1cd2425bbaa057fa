//! `T` is one element type.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f64, n>) -> Tensor<f32, n> {
    add(x, y)
}

#[defn]
fn add<T: Float>(x: Tensor<T, n>, y: Tensor<T, n>) -> Tensor<T, n> {
    x + y
}

fn main() {}
