//! A mistake is shown where it is, and not at the callers.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    g(x) + h(x)
}

#[defn]
fn g(x: Tensor<f32, n>) -> f32 {
    h(x)
}

#[defn]
fn h(x: Tensor<f32, n>) -> f32 {
    x.sum(m)
}

fn main() {}
