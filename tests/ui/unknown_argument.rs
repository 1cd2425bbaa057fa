//! `pad` has no stride.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> f32 {
    x.pad(time, (1, 1), stride = 2).sum()
}

fn main() {}
