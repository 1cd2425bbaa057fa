//! A `return` from the middle of the body.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    if x > 0.0 {
        return x;
    }
    -x
}

fn main() {}
