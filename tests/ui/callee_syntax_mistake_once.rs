//! A mistake of syntax is shown where it is, and not at the callers.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    g(x)
}

#[defn]
fn g(x: f32) -> f32 {
    return x;
}

fn main() {}
