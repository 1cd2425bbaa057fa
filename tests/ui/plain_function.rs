//! A function without `#[defn]` cannot be called.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    plain(x)
}

fn plain(x: f32) -> f32 {
    x
}

fn main() {}
