//! There are no integers of 128 bits.

use defn::prelude::*;

#[defn]
fn f(x: i64) -> i64 {
    x + 1u128
}

fn main() {}
