//! An import inside of a body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    use std::f32::consts::PI;
    x * PI
}

fn main() {}
