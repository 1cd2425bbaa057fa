//! An update cannot be mapped yet.

use defn::prelude::*;

#[defn]
fn step(x: &mut Tensor<f32, n>) -> f32 {
    *x = *x * 2.0;
    x.sum()
}

#[defn]
fn f(x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    let mut y = x;
    vmap!(step, over = b)(&mut y)
}

fn main() {}
