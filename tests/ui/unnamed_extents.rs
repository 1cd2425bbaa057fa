//! Only an extent of 1 stretches.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, {3}>, y: Tensor<f32, {4}>) -> Tensor<f32, {4}> {
    x + y
}

fn main() {}
