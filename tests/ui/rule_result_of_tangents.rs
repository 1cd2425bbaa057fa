//! A rule for tangents that forgets the value.

use defn::prelude::*;

#[defn]
fn moves(x: Tensor<f32, n>, v: Tensor<f32, n>) -> Tensor<f32, n> {
    2.0 * x * v
}

#[defn(jvp = moves)]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * x
}

fn main() {}
