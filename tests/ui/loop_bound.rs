//! Loops count in integers.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    for t in 0.0..1.0 {
        y += t;
    }
    y
}

fn main() {}
