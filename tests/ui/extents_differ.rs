//! One name, two numbers.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, k<4>>, y: Tensor<f32, k<8>>) -> Tensor<f32, k<4>> {
    x + y
}

fn main() {}
