//! One number stands around a tensor, not another tensor.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, time>, edge: Tensor<f32, batch>) -> Tensor<f32, batch, time> {
    x.window(time, tap = 3, padding = (1, 1), value = edge).sum(tap)
}

fn main() {}
