//! The local is misspelled.

use defn::prelude::*;

#[defn]
fn f(weight: Tensor<f32, n>) -> Tensor<f32, n> {
    wieght * 2.0
}

fn main() {}
