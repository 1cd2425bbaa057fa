//! An argument is passed without `&`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    g(&x)
}

#[defn]
fn g(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

fn main() {}
