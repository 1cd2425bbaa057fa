//! Functions are not values.

use defn::prelude::*;

#[defn]
fn f(g: fn(f32) -> f32) -> f32 {
    g(1.0)
}

fn main() {}
