//! One axis has one element more.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<n>>, y: Tensor<f32, i<{ n + 1 }>>) -> Tensor<f32, i<n>> {
    x + y
}

fn main() {}
