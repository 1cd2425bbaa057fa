//! A string.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let name = "layer";
    x
}

fn main() {}
