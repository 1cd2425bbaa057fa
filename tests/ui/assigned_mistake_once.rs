//! What was assigned to has no type any more, and whoever reads it tells nothing.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut best = 0i64;
    for v in x.along(n) {
        best = v;
    }
    best
}

#[defn]
fn g(x: f32, y: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut sum = 0.0f32;
    if x > 0.0 {
        sum = y;
    }
    sum
}

fn main() {}
