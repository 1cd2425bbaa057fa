//! A function does not call itself.

use defn::prelude::*;

#[defn]
fn factorial(x: f32) -> f32 {
    factorial(x - 1.0) * x
}

fn main() {}
