//! A call is no extent.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<{ g(n) }>>) -> f32 {
    x.sum()
}

fn main() {}
