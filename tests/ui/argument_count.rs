//! `exp` takes nothing.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.exp(n, 3)
}

fn main() {}
