//! The value of an expression is no function.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    (x + 1.0)(2.0)
}

fn main() {}
