//! A number is not true.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> bool {
    x.any()
}

fn main() {}
