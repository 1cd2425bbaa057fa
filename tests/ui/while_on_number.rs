//! Numbers are not truth values.

use defn::prelude::*;

#[defn]
fn f(x: i64) -> i64 {
    let mut y = x;
    while y {
        y -= 1;
    }
    y
}

fn main() {}
