//! NumPy stacks a tuple.

use defn::prelude::*;

#[defn]
fn rows(a: Tensor<f32, n>, b: Tensor<f32, n>) -> Tensor<f32, row<2>, n> {
    stack(row, (a, b))
}

fn main() {}
