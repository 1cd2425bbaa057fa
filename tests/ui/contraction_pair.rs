//! The right side has no axis of that name to contract with.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, features>, w: Tensor<f32, inputs, outputs>) -> Tensor<f32, batch, outputs> {
    x.dot(w, features = feature)
}

fn main() {}
