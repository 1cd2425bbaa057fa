//! 784 pixels are not 100.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, pixel<100>>) -> f32 {
    total(x)
}

#[defn]
fn total(x: Tensor<f32, pixel<784>>) -> f32 {
    x.sum()
}

fn main() {}
