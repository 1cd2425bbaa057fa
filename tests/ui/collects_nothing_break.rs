//! A loop that may be left early has no values.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut sum = 0.0f32;
    for v in x.along(n) {
        if sum > 1.0 {
            break;
        }
        sum += v;
        sum
    }
}

fn main() {}
