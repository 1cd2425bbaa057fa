//! Nothing panics in a body.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    assert!(x > 0.0);
    x
}

fn main() {}
