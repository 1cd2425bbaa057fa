//! No function is called so: rustc says it, once.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    sqare(x)
}

#[defn]
fn square(x: f32) -> f32 {
    x * x
}

fn main() {}
