//! One argument has two values.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.window(time, tap = 3, stride = 2, stride = 3).sum()
}

fn main() {}
