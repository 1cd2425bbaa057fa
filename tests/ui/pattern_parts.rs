//! A pair has two parts.

use defn::prelude::*;

#[defn]
fn f(p: (f32, f32)) -> f32 {
    let (a, b, c) = p;
    a + b + c
}

fn main() {}
