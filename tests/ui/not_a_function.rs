//! A number cannot be called.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let g = x * 2.0;
    g(x)
}

fn main() {}
