//! A range that is empty.

use defn::prelude::*;

#[defn]
fn slope(x: f32, y: f32, c: f32) -> f32 {
    c / (2.0 * y) + 0.0 * x
}

#[defn(grad = slope, test(x = 0.9..0.1))]
fn f(x: f32) -> f32 {
    x.sqrt()
}

fn main() {}
