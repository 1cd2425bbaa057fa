//! A loop with a name, left by name: one mistake.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    'outer: while y < 100.0 {
        y = y * 2.0;
        break 'outer;
    }
    y
}

fn main() {}
