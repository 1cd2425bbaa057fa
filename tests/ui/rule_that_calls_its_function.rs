//! A rule that calls the function whose rule it is.

use defn::prelude::*;

#[defn]
fn slope(x: f32, y: f32, c: f32) -> f32 {
    c * f(x) + y
}

#[defn(grad = slope)]
fn f(x: f32) -> f32 {
    x * x
}

fn main() {}
