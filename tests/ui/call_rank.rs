//! A call with a tensor of another rank.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    trace(x)
}

#[defn]
fn trace(m: Tensor<f32, i, j>) -> f32 {
    m.sum()
}

fn main() {}
