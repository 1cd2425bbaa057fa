//! `max` is a method.

use defn::prelude::*;

#[defn]
fn f(a: f32, b: f32) -> f32 {
    f32::max(a, b)
}

fn main() {}
