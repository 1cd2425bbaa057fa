//! A slice of Rust is a tensor here.

use defn::prelude::*;

#[defn]
fn f(x: &[f32]) -> f32 {
    1.0
}

fn main() {}
