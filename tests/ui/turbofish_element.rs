//! An axis between `::<` and `>`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    x.sum::<{ 3 }>(n)
}

fn main() {}
