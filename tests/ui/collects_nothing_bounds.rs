//! The number of rounds depends on data, so nothing is collected.

use defn::prelude::*;

#[defn]
fn f(x: f32, times: i64) -> f32 {
    let mut y = x;
    let all = for i in 0..times {
        y = y * 2.0;
        y
    };
    y
}

fn main() {}
