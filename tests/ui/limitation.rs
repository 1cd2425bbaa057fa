//! What the compiler cannot do says so.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.cumsum(n)
}

fn main() {}
