//! `break` does not stand in the middle of a loop.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut sum = 0.0f32;
    for v in x.along(n) {
        let next = sum + v;
        if next > 1.0 {
            break;
        }
        sum = next;
    }
    sum
}

fn main() {}
