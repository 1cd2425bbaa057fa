//! A parameter by value stays what it is.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    x += 1.0;
    x
}

fn main() {}
