//! A condition of a loop is asked more often than the loop runs, also by a function that it calls.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    while inspect!("y", y) < 100.0 {
        y = y * 2.0;
    }
    while below(y) {
        y = y * 2.0;
    }
    y
}

#[defn]
fn below(y: f32) -> bool {
    check!(y > 0.0, "positive");
    y < 200.0
}

fn main() {}
