//! Nobody knows how often a `while` runs, so it has no values.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    let all = while y < 100.0 {
        y = y * 2.0;
        y
    };
    y
}

fn main() {}
