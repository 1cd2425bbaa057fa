//! A tensor is walked along an axis that it has.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time, n>, y: Tensor<f32, n>) -> f32 {
    let mut sum = 0.0f32;
    for (a, b) in (x, y).along(time) {
        sum += (a * b).sum();
    }
    sum
}

fn main() {}
