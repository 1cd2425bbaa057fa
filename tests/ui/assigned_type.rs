//! An assignment keeps the type.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut y = x;
    y = x.sum();
    y.sum()
}

fn main() {}
