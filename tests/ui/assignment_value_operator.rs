//! `+=` where a value is expected.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut y = x;
    let z = y += x;
    y
}

fn main() {}
