//! An update has no gradient.

use defn::prelude::*;

#[defn]
fn step(x: &mut Tensor<f32, n>) -> f32 {
    *x = *x * 2.0;
    x.sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    grad!(step)(x)
}

fn main() {}
