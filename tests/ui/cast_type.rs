//! A cast to a tensor.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x as Vec
}

fn main() {}
