//! Points of a parameter that there is not.

use defn::prelude::*;

#[defn]
fn slope(x: f32, y: f32, c: f32) -> f32 {
    c / (2.0 * y) + 0.0 * x
}

#[defn(grad = slope, test(y = 0.1..0.9))]
fn f(x: f32) -> f32 {
    x.sqrt()
}

fn main() {}
