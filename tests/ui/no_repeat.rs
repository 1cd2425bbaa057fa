//! An array of one value, many times.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let y = [0.0; 4];
    x
}

fn main() {}
