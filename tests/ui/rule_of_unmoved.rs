//! A rule for a function of integers.

use defn::prelude::*;

#[defn]
fn slope(k: i32, y: i32, c: i32) -> i32 {
    k + y + c
}

#[defn(grad = slope)]
fn f(k: i32) -> i32 {
    k + 1
}

fn main() {}
