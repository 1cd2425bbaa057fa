//! A word of other libraries says what is written here.

use defn::prelude::*;

#[defn]
fn product(x: Tensor<f32, n, m>, y: Tensor<f32, m, k>) -> Tensor<f32, n, k> {
    x.matmul(y)
}

fn main() {}
