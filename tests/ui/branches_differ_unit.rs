//! One branch has a value, the other has none.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    if x > 0.0 {
        y += 1.0;
    } else {
        y
    }
}

fn main() {}
