//! Each parameter has one gradient.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>) -> f32 {
    w.sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<f32, n>) {
    grad!(loss, wrt = (w, w))(x)
}

fn main() {}
