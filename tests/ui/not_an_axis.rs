//! An element type is no axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, f32>) -> f32 {
    x.sum()
}

fn main() {}
