//! A sum of bytes overflows.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<u8, n>) -> u8 {
    x.sum()
}

fn main() {}
