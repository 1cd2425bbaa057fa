//! Joined tensors have the same axes.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time, a>, y: Tensor<f32, time>) -> f32 {
    concat(time, x, y).sum()
}

fn main() {}
