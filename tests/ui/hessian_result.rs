//! Second derivatives of several numbers.

use defn::prelude::*;

#[defn]
fn square(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * x
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n, d_n<n>, d_d_n<n>> {
    hessian!(square)(x)
}

fn main() {}
