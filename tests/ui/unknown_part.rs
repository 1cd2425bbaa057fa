//! A pair has no third part.

use defn::prelude::*;

#[defn]
fn f(p: (f32, f32)) -> f32 {
    p.2
}

fn main() {}
