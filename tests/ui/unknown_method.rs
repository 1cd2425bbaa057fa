//! The method is misspelled.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.sotfmax(n)
}

fn main() {}
