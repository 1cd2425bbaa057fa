//! Axes belong to `Tensor`.

use defn::prelude::*;

#[defn]
fn f(x: f32<n>) -> f32 {
    x.sum()
}

fn main() {}
