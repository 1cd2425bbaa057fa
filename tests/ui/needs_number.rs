//! Truth values do not add up.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<bool, n>) -> Tensor<bool, n> {
    x + x
}

fn main() {}
