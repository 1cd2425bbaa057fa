//! Named axes do not align with unnamed ones.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f32, {4}>) -> Tensor<f32, n> {
    x + y
}

fn main() {}
