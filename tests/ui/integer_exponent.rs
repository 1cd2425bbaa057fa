//! An integer to the power of −1 is no integer.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> Tensor<i32, n> {
    x.pow(-1)
}

fn main() {}
