//! A `continue`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    for i in 0..10 {
        if i == 3 {
            continue;
        }
        y = y * 2.0;
    }
    y
}

fn main() {}
