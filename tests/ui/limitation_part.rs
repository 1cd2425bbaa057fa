//! Where a range of computed positions lies cannot be assigned to yet.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, v: Tensor<f32, n<3>>, i: i64) -> Tensor<f32, n> {
    let mut y = x;
    y[i..i + 3] = v;
    y
}

fn main() {}
