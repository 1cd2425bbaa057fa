//! A loop changes only what is `mut`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let sum = 0.0f32;
    for v in x.along(n) {
        sum += v;
    }
    sum
}

fn main() {}
