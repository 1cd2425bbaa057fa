//! A parameter is taken apart in the body.

use defn::prelude::*;

#[defn]
fn f((a, b): (f32, f32)) -> f32 {
    a + b
}

fn main() {}
