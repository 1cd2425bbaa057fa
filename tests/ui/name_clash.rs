//! A local is named like an axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, batch>) -> f32 {
    let batch = x.sum();
    batch
}

fn main() {}
