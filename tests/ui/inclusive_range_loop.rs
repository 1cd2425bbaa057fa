//! Loops stop before the end of their range.

use defn::prelude::*;

#[defn]
fn f(x: f32, n: i64) -> f32 {
    let mut y = x;
    for i in 1..=n {
        y *= i as f32;
    }
    y
}

fn main() {}
