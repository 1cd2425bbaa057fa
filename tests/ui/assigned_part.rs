//! A part of a tensor keeps its type too.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, row, column>) -> Tensor<f32, row, column> {
    let mut y = x;
    y[(0, ..)] = 1.0;
    y
}

fn main() {}
