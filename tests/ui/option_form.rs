//! A rule without its name.

use defn::prelude::*;

#[defn(grad)]
fn f(x: f32) -> f32 {
    x
}

fn main() {}
