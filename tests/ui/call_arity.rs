//! A call with too few arguments.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    add(x)
}

#[defn]
fn add(a: f32, b: f32) -> f32 {
    a + b
}

fn main() {}
