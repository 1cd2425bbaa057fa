//! Unnamed axes do not appear from nowhere.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, {3}, {4}>, y: Tensor<f32, {4}>) -> Tensor<f32, {3}, {4}> {
    x + y
}

fn main() {}
