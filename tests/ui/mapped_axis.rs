//! An argument has no such axis.

use defn::prelude::*;

#[defn]
fn product(w: Tensor<f32, n>, x: Tensor<f32, n>) -> f32 {
    w.dot(x, n)
}

#[defn]
fn f(w: Tensor<f32, n>, x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    vmap!(product, over = b)(w, x)
}

fn main() {}
