//! The local was declared without `mut`.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let y = x;
    y += 1.0;
    y
}

fn main() {}
