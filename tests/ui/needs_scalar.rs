//! One position, not many.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>, i: Tensor<i64, batch>) -> Tensor<f32, batch> {
    x.at(time, i)
}

fn main() {}
