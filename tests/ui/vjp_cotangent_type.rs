//! A cotangent has the type of the result.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>, k: i32) -> f32 {
    w.sum() * k as f32
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    vjp!(loss)(x, 2, x).1
}

fn main() {}
