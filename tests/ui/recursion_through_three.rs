//! Three functions go in a circle: one error names the whole way.

use defn::prelude::*;

#[defn]
fn a(x: f32) -> f32 {
    b(x)
}

#[defn]
fn b(x: f32) -> f32 {
    c(x)
}

#[defn]
fn c(x: f32) -> f32 {
    a(x)
}

fn main() {}
