//! `impl Trait` is no type of the language.

use defn::prelude::*;

#[defn]
fn f(x: impl Clone) -> f32 {
    x
}

fn main() {}
