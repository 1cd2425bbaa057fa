//! A function inside of a body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    fn g(x: f32) -> f32 {
        x
    }
    x * 2.0
}

fn main() {}
