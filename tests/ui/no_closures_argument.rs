//! A closure as an argument, as iterators have it.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.map(|a| a * 2.0)
}

fn main() {}
