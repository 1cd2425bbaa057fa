//! A range without an end has no end.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    for i in 0.. {
        y += 1.0;
    }
    y
}

fn main() {}
