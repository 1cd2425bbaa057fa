//! 1 is not true.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<bool, n>) -> Tensor<bool, n> {
    x & 1
}

fn main() {}
