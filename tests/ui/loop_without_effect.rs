//! The `let` in the loop makes another local, which ends with the round.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut sum = 0.0f32;
    for v in x.along(n) {
        let sum = sum + v;
    }
    sum
}

fn main() {}
