//! A new axis needs an extent.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    x.broadcast(copies).sum()
}

fn main() {}
