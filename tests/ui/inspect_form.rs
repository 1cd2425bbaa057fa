//! `inspect!` has the label first.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    inspect!(x)
}

fn main() {}
