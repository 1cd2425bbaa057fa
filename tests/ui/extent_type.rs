//! A `usize` is an extent.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> usize {
    n
}

fn main() {}
