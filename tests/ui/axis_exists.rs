//! The new name is taken.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, a, b>) -> Tensor<f32, a, b> {
    x.rename(a, b)
}

fn main() {}
