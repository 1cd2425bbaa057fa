//! Loops count in `i64`.

use defn::prelude::*;

#[defn]
fn f(x: f32, times: i32) -> f32 {
    let mut y = x;
    for i in 0..times {
        y = y * 2.0;
    }
    y
}

fn main() {}
