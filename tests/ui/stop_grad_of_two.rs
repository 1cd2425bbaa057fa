//! `stop_grad` takes one value.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f32, n>) -> Tensor<f32, n> {
    stop_grad(x, y)
}

fn main() {}
