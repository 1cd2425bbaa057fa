//! The slice is longer than the axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time<10>>) -> f32 {
    x.slice(time, 5..12).sum()
}

fn main() {}
