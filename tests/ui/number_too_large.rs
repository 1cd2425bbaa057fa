//! No tensor is as long as that.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<99999999999999999999>>) -> f32 {
    x.sum()
}

fn main() {}
