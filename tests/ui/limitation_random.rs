//! Random numbers are not made yet.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x + normal::<f32>(n)
}

fn main() {}
