//! A range that includes its end.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n<8>>) -> f32 {
    x.slice(n, 0..=3).sum()
}

fn main() {}
