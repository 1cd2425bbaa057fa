//! The length would depend on data.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>, i: i64) -> f32 {
    x.slice(time, 0..i).sum()
}

fn main() {}
