//! `hessian!` is not compiled yet.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>) -> f32 {
    w.sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n, d_n<n>> {
    hessian!(loss)(x)
}

fn main() {}
