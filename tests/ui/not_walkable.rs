//! A tensor is walked along one of its axes.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time, n>) -> Tensor<f32, n> {
    let mut sum = zeros::<f32>(n);
    for row in x {
        sum += row;
    }
    sum
}

fn main() {}
