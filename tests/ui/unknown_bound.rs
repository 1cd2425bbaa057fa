//! `Clone` says nothing about an element type.

use defn::prelude::*;

#[defn]
fn f<T: Clone>(x: Tensor<T, n>) -> Tensor<T, n> {
    x + x
}

fn main() {}
