//! Nothing says that the matrix is square.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, row, column>) -> f32 {
    trace(x)
}

#[defn]
fn trace(x: Tensor<f32, i<n>, j<n>>) -> f32 {
    x.sum()
}

fn main() {}
