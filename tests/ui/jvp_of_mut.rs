//! A function that updates something has no tangents.

use defn::prelude::*;

#[defn]
fn step(w: &mut Tensor<f32, n>) -> f32 {
    *w = w * 2.0;
    w.sum()
}

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    jvp!(step)(x, x).1
}

fn main() {}
