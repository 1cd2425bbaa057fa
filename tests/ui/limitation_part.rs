//! A part of a tensor is no place that a function could update.

use defn::prelude::*;

#[defn]
fn double(x: &mut Tensor<f32, n>) {
    *x *= 2.0;
}

#[defn]
fn f(x: Tensor<f32, row, n>) -> Tensor<f32, row, n> {
    let mut y = x;
    double(&mut y[0]);
    y
}

fn main() {}
