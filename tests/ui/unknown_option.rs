//! The option is misspelled.

use defn::prelude::*;

#[defn(memroy = "8 MiB")]
fn f(x: f32) -> f32 {
    x
}

fn main() {}
