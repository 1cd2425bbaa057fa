//! `if let` has nothing to match.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    if let Some(y) = x { y } else { x }
}

fn main() {}
