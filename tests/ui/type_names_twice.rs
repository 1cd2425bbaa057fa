//! A square matrix needs two names.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n, n>) -> f32 {
    x.sum()
}

fn main() {}
