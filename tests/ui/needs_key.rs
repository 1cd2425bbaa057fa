//! A float is no key.

use defn::prelude::*;

#[defn]
fn f(noise: f32, x: Tensor<f32, n>) -> Tensor<f32, n> {
    x + normal::<f32>(noise, n)
}

fn main() {}
