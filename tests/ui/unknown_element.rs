//! The element type is missing.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<n, m>) -> f32 {
    x.sum()
}

fn main() {}
