//! Integers of 16 bits are not compiled yet.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i16, n>) -> Tensor<i16, n> {
    x
}

fn main() {}
