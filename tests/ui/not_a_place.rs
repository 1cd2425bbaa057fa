//! The value of an expression cannot be assigned to.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let mut y = x;
    y + 1.0 = x;
    y
}

fn main() {}
