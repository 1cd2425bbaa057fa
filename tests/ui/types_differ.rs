//! The result lacks an axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, features>) -> Tensor<f32, batch> {
    x * 2.0
}

fn main() {}
