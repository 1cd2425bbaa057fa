//! What a branch assigns keeps its type.

use defn::prelude::*;

#[defn]
fn f(x: f32, n: i64) -> i64 {
    let mut y = n;
    if x > 0.0 {
        y = x;
    }
    y
}

fn main() {}
