//! A tensor of what, and along what?

use defn::prelude::*;

#[defn]
fn f(x: Tensor) -> f32 {
    x.sum()
}

fn main() {}
