//! A running sum has no other order.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.cumsum(n, descending = true)
}

fn main() {}
