//! A vector where a matrix is expected.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    trace(x)
}

#[defn]
fn trace(x: Tensor<f32, i<n>, j<n>>) -> f32 {
    (x * eye::<f32>(i = n, j = n)).sum()
}

fn main() {}
