//! Two functions do not call each other.

use defn::prelude::*;

#[defn]
fn even(x: f32) -> f32 {
    odd(x - 1.0)
}

#[defn]
fn odd(x: f32) -> f32 {
    even(x - 1.0)
}

fn main() {}
