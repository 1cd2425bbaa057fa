//! Tensors are compared element by element.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f32, n>) -> f32 {
    if x == y { 1.0 } else { 0.0 }
}

fn main() {}
