//! A mistake of a generic function is told once.

use defn::prelude::*;

#[defn]
fn f<T: Float>(x: Tensor<T, n>) -> T {
    x.sum(m)
}

fn main() {}
