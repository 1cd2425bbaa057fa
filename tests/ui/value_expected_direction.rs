//! Whether a running sum counts from the end is decided when compiling.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, backwards: bool) -> Tensor<f32, n> {
    x.cumsum(n, reverse = backwards)
}

fn main() {}
