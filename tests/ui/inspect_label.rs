//! The label of `inspect!` is a literal.

use defn::prelude::*;

#[defn]
fn f(label: f32, x: f32) -> f32 {
    inspect!(label, x)
}

fn main() {}
