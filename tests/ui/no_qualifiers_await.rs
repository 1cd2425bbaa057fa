//! There is nothing to wait for.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.await
}

fn main() {}
