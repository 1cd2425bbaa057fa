//! Sequences that are walked together have one extent.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>, y: Tensor<f32, time<m>>) -> f32 {
    let mut sum = 0.0f32;
    for (a, b) in (x, y).along(time) {
        sum += a * b;
    }
    sum
}

fn main() {}
