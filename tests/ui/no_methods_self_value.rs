//! `self` means nothing in a free function.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    self.w * x
}

fn main() {}
