//! A pair is no tensor.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    (x, x).sqrt().sum()
}

fn main() {}
