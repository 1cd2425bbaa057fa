//! A closure.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let g = |a| a * 2.0;
    g(x)
}

fn main() {}
