//! A definition has no ABI of its own.

use defn::prelude::*;

#[defn]
extern "C" fn f(x: f32) -> f32 {
    x
}

fn main() {}
