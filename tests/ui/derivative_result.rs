//! A function of which nothing moves.

use defn::prelude::*;

#[defn]
fn largest(x: Tensor<f32, n>) -> i64 {
    x.argmax(n)
}

#[defn]
fn f(x: Tensor<f32, n>) -> i64 {
    jvp!(largest)(x, x).1
}

fn main() {}
