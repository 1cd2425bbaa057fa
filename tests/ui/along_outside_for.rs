//! A sequence is walked, and is no value itself.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time, n>) -> Tensor<f32, n> {
    let rows = x.along(time);
    rows
}

fn main() {}
