//! There is nothing to wait for in a body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    async { x.exp() }
}

fn main() {}
