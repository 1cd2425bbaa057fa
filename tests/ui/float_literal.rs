//! A half is no integer.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> Tensor<i32, n> {
    x * 0.5
}

fn main() {}
