//! 300 does not fit into a byte.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<u8, n>) -> Tensor<u8, n> {
    x + 300
}

fn main() {}
