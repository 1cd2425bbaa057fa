//! A loop has no value to give to `break`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    while y < 100.0 {
        y = y * 2.0;
        break y;
    }
    y
}

fn main() {}
