//! `break` stands alone behind its condition.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    while y < 100.0 {
        y = y * 2.0;
        if y > 50.0 {
            y = 50.0;
            break;
        }
    }
    y
}

fn main() {}
