//! An axis with an extent of its own, named without it.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n<16>>) -> Tensor<f32, n> {
    x
}

fn main() {}
