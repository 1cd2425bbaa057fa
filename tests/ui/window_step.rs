//! Windows that do not move.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, stride = 0).sum()
}

#[defn]
fn g(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, dilation = -1).sum()
}

fn main() {}
