//! Nothing is converted silently.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f64, n>) -> Tensor<f32, n> {
    x + y
}

fn main() {}
