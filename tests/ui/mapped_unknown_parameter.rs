//! `of` names no parameter.

use defn::prelude::*;

#[defn]
fn total(weights: Tensor<f32, n>) -> f32 {
    weights.sum()
}

#[defn]
fn f(x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    vmap!(total, over = b, of = weight)(x)
}

fn main() {
    let _ = vmap!(total, over = b, of = (weights, weights));
}
