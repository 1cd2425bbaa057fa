//! A container has no gradient, asked from a body.

use defn::prelude::*;

#[defn]
struct Row {
    w: Tensor<f32, n>,
}

#[defn]
fn f(x: f32) -> f32 {
    grad!(Row)(x)
}

fn main() {}
