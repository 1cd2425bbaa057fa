//! A `usize` is an extent, not an element type.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    x as usize
}

fn main() {}
