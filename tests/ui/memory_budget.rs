//! A budget that is smaller than what any plan needs.

use defn::prelude::*;

#[defn]
fn swing(x: Tensor<f64, n<500>>, steps: Tensor<f64, time<1000>>) -> f64 {
    let mut h = x;
    for s in steps.along(time) {
        h = (h * s).sin() + x;
    }
    h.sum()
}

#[defn(memory = "64 KiB")]
fn slope(x: Tensor<f64, n<500>>, steps: Tensor<f64, time<1000>>) -> Tensor<f64, n<500>> {
    grad!(swing)(x, steps)
}

fn main() {}
