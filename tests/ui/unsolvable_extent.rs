//! A product tells neither factor.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, {n * m}>) -> f32 {
    x.sum()
}

fn main() {}
