//! One number for floats, and a range for an integer.

use defn::prelude::*;

#[defn]
fn slope(x: f32, k: i32, y: f32, c: f32) -> f32 {
    c * (k as f32) + 0.0 * (x + y)
}

#[defn(grad = slope, test(x = 2, k = 1.0..4.0))]
fn f(x: f32, k: i32) -> f32 {
    x * (k as f32)
}

fn main() {}
