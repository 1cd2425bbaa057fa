//! A function with a reserved name that calls the function of the language does not call itself.

use defn::prelude::*;

#[defn]
fn select(x: Tensor<f32, n>) -> Tensor<f32, n> {
    select(x > 0.0, x, 0.0)
}

fn main() {}
