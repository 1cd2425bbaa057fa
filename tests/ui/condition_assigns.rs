//! A condition only asks.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    while {
        y = y * 2.0;
        y < 100.0
    } {
        y += 1.0;
    }
    y
}

fn main() {}
