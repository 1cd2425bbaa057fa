//! What the compiler cannot do says so.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.max_at(n, 0, 1.0)
}

fn main() {}
