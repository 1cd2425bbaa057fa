//! A vector has no gradient.

use defn::prelude::*;

#[defn]
fn double(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x * 2.0
}

fn main() {
    let _ = grad!(double);
}
