//! A number is not a range.

use defn::prelude::*;

#[defn]
fn f(x: f32, times: i64) -> f32 {
    let mut y = x;
    for i in times {
        y = y * 2.0;
    }
    y
}

fn main() {}
