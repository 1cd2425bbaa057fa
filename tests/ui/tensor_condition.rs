//! `&&` takes one truth value.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<bool, n> {
    x > 0.0 && x < 1.0
}

fn main() {}
