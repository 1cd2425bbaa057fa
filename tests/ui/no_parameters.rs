//! There is nothing to differentiate.

use defn::prelude::*;

#[defn]
fn one() -> f32 {
    1.0
}

#[defn]
fn f() -> f32 {
    grad!(one)()
}

fn main() {}
