//! A conversion is written with `as`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f64 {
    f64(x)
}

fn main() {}
