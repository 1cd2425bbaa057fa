//! A new user transposes as in NumPy.

use defn::prelude::*;

#[defn]
fn turned(x: Tensor<f32, row, column>) -> Tensor<f32, column, row> {
    x.T
}

fn main() {}
