//! `wrt` names parameters.

use defn::prelude::*;

#[defn]
fn loss(weights: Tensor<f32, n>) -> f32 {
    weights.sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    grad!(loss, wrt = wieghts)(x)
}

fn main() {}
