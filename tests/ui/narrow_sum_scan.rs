//! A running sum of bytes overflows.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<u8, n>) -> Tensor<u8, n> {
    x.cumsum(n)
}

fn main() {}
