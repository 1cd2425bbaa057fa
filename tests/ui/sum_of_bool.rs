//! Truth values are counted.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<bool, n>) -> i64 {
    x.sum()
}

fn main() {}
