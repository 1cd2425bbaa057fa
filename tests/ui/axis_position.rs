//! A matrix has no axis 2.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, {3}, {4}>) -> Tensor<f32, {3}> {
    x.sum(axis = 2)
}

fn main() {}
