//! An `if` with a value has two of them.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let y = if x > 0.0 { x };
    y
}

fn main() {}
