//! The name of the new axis is missing, in a body.

use defn::prelude::*;

#[defn]
fn total(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

#[defn]
fn f(x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    vmap!(total)(x)
}

fn main() {}
