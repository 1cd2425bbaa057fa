//! A definition named like a macro of std would hide it.

use defn::prelude::*;

#[defn]
fn assert(x: f32) -> f32 {
    x
}

fn main() {}
