//! The parameter is not updated.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut y = x;
    total(&mut y)
}

#[defn]
fn total(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

fn main() {}
