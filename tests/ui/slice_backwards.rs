//! A slice does not turn around.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.slice(time, 5..3).sum()
}

fn main() {}
