//! A unit that does not exist.

use defn::prelude::*;

#[defn(memory = "8 megs")]
fn f(x: f32) -> f32 {
    x
}

fn main() {}
