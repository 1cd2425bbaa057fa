//! A definition is not `unsafe`.

use defn::prelude::*;

#[defn]
unsafe fn f(x: f32) -> f32 {
    x
}

fn main() {}
