//! A call with another element type: the help names the cast.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f64, n>) -> f32 {
    total(x)
}

#[defn]
fn total(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

fn main() {}
