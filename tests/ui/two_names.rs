//! The callee sums over one axis, the caller has two.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, a<4>>, y: Tensor<f32, b<4>>) -> f32 {
    inner(x, y)
}

#[defn]
fn inner(x: Tensor<f32, n>, y: Tensor<f32, n>) -> f32 {
    x.dot(y, n)
}

fn main() {}
