//! What a loop over a range collects has an axis without a name.

use defn::prelude::*;

#[defn]
fn doubled(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let y = for i in 0..n { 2.0 * x[i] };
    y
}

fn main() {}
