//! Half precision is not compiled yet.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f16, n>) -> Tensor<f16, n> {
    x
}

fn main() {}
