//! The axes stand in the wrong order.

use defn::prelude::*;

#[defn]
fn f(image: Tensor<f32, width, height>) -> f32 {
    first_row(image).sum()
}

#[defn]
fn first_row(x: Tensor<f32, height, width>) -> Tensor<f32, width> {
    x.sum(height)
}

fn main() {}
