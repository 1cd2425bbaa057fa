//! One axis cannot be reduced twice.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n, m>) -> Tensor<f32, m> {
    x.sum(n, n)
}

fn main() {}
