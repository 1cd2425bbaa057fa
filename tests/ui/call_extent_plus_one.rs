//! `n + 1` is not `n`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f32, m<{ n + 1 }>>) -> f32 {
    dot(x, y)
}

#[defn]
fn dot(x: Tensor<f32, i>, y: Tensor<f32, j<i>>) -> f32 {
    x.sum() + y.sum()
}

fn main() {}
