//! Nothing says that `n` and `m` are equal.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, i<n>>, y: Tensor<f32, i<m>>) -> Tensor<f32, i<n>> {
    x + y
}

fn main() {}
