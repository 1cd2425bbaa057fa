//! A tangent has the extents of its parameter.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>, k: i32) -> f32 {
    w.sum() * k as f32
}

#[defn]
fn f(x: Tensor<f32, n>, v: Tensor<f32, m>) -> f32 {
    jvp!(loss)(x, 2, v).1
}

fn main() {}
