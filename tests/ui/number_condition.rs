//! A number is not a condition.

use defn::prelude::*;

#[defn]
fn f(n: i32, x: f32) -> f32 {
    if n { x } else { -x }
}

fn main() {}
