//! A mean of integers is no integer.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> i32 {
    x.mean()
}

fn main() {}
