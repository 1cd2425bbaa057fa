//! An axis where only an element type stands.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    x.sum::<n>()
}

fn main() {}
