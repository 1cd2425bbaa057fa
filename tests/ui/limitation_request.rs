//! `vmap!` is not compiled yet.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>) -> f32 {
    w.sum()
}

#[defn]
fn f(x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    vmap!(loss, over = b)(x)
}

fn main() {}
