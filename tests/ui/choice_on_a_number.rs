//! `select` of the values, where the mask chooses.

use defn::prelude::*;

#[defn]
fn positive(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.select(x > 0.0, 0.0)
}

fn main() {}
