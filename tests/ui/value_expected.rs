//! A slice takes a range.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.slice(time, 3).sum()
}

fn main() {}
