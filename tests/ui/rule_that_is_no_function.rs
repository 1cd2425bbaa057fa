//! A rule is a function.

use defn::prelude::*;

#[defn]
const SLOPE: f32 = 2.0;

#[defn(grad = SLOPE)]
fn f(x: f32) -> f32 {
    SLOPE * x
}

fn main() {}
