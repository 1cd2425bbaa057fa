//! The right side has no axis to contract over.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, features>, w: Tensor<f32, inputs, outputs>) -> Tensor<f32, batch, outputs> {
    x.dot(w, features)
}

fn main() {}
