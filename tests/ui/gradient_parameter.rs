//! Integers have no derivative.

use defn::prelude::*;

#[defn]
fn loss(k: i32, x: Tensor<f32, n>) -> f32 {
    x.sum() * k as f32
}

#[defn]
fn f(k: i32, x: Tensor<f32, n>) -> i32 {
    grad!(loss)(k, x)
}

fn main() {}
