//! `concat` is a word of the language.

use defn::prelude::*;

#[defn]
fn concat(x: f32) -> f32 {
    x
}

fn main() {}
