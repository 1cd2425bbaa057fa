//! There is no `f16x`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * 2.0f16x
}

fn main() {}
