//! `jvp!` takes more arguments than its function: the limitation is told, not their number.

use defn::prelude::*;

#[defn]
fn loss(w: Tensor<f32, n>) -> f32 {
    w.sum()
}

#[defn]
fn f(x: Tensor<f32, n>, dx: Tensor<f32, n>) -> f32 {
    jvp!(loss)(x, dx)
}

fn main() {}
