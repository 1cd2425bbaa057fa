//! What a loop carries keeps its extents.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut y = x;
    for i in 0..3 {
        y = concat(n, y, y);
    }
    y
}

fn main() {}
