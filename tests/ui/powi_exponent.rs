//! `powi` takes a whole exponent.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.powi(0.5)
}

fn main() {}
