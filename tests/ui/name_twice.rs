//! The result of the call would have two axes `i`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<5>>) -> Tensor<f32, i<5>, j<5>> {
    outer(x, x)
}

#[defn]
fn outer(x: Tensor<f32, a<5>>, y: Tensor<f32, b<5>>) -> Tensor<f32, a<5>, b<5>> {
    x * y
}

fn main() {}
