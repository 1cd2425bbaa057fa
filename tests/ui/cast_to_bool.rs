//! As in Rust, numbers are not truth values.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> Tensor<bool, n> {
    x as bool
}

fn main() {}
