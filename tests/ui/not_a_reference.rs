//! A local is no reference.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    *x
}

fn main() {}
