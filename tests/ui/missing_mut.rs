//! The parameter is updated in place.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let mut y = x;
    double(y);
    y
}

#[defn]
fn double(x: &mut Tensor<f32, n>) {
    *x = *x * 2.0;
}

fn main() {}
