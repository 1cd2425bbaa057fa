//! A bare number is no axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, 784>) -> f32 {
    x.sum()
}

fn main() {}
