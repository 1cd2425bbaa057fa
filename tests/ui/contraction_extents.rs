//! The contracted axes have two extents.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch, features<4>>, w: Tensor<f32, inputs<8>, outputs>) -> Tensor<f32, batch, outputs> {
    x.dot(w, features = inputs)
}

fn main() {}
