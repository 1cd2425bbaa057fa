//! A call with too many arguments.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    square(x, x)
}

#[defn]
fn square(x: f32) -> f32 {
    x * x
}

fn main() {}
