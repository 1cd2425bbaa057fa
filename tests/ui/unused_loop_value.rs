//! What a loop collects is used.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut sum = 0.0f32;
    for v in x.along(n) {
        sum += v;
        sum
    }
    sum
}

fn main() {}
