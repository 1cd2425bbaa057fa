//! What a loop carries keeps the names of its axes.

use defn::prelude::*;

#[defn]
fn f(a: Tensor<f32, row, column>, x: Tensor<f32, column>) -> Tensor<f32, column> {
    let mut y = x;
    for i in 0..3 {
        y = a.dot(y, column);
    }
    y
}

fn main() {}
