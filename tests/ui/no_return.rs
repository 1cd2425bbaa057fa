//! A `return` at the end of the body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    return x * 2.0;
}

fn main() {}
