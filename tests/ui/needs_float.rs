//! Integers have no square root.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> Tensor<i32, n> {
    x.sqrt()
}

fn main() {}
