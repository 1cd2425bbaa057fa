//! The name of no parameter.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>, k: i32) -> f32 {
    w.sum() * k as f32
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    jacobian!(loss, wrt = v)(x, 2)
}

fn main() {}
