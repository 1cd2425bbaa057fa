//! Rules show and check nothing, nor do functions that have rules.

use defn::prelude::*;

#[defn]
fn positive(x: f32) -> f32 {
    check!(x > 0.0, "positive");
    x
}

#[defn]
fn slope(x: f32, y: f32, c: f32) -> f32 {
    c * positive(y)
}

#[defn(grad = slope)]
fn f(x: f32) -> f32 {
    x.exp()
}

fn main() {}
