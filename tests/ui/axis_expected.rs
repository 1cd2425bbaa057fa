//! `softmax` takes axes.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.softmax(1)
}

fn main() {}
