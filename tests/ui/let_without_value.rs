//! A local has a value from the beginning.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let y;
    y = x * 2.0;
    y
}

fn main() {}
