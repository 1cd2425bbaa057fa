//! A literal does not tell what `T` is.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    x + twice(1.0)
}

#[defn]
fn twice<T: Float>(x: T) -> T {
    x + x
}

fn main() {}
