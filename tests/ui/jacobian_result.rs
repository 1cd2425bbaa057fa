//! A Jacobian of more than floats.

use defn::prelude::*;

#[defn]
fn largest(x: Tensor<f32, n>) -> (f32, i64) {
    (x.max(n), x.argmax(n))
}

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    jacobian!(largest)(x).0
}

fn main() {}
