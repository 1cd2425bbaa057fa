//! The axis is misspelled.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, features>) -> Tensor<f32, batch> {
    x.sum(featurs)
}

fn main() {}
