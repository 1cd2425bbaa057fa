//! `T: Float` cannot be `i32`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<i32, n>) -> Tensor<i32, n> {
    twice(x)
}

#[defn]
fn twice<T: Float>(x: Tensor<T, n>) -> Tensor<T, n> {
    x + x
}

fn main() {}
