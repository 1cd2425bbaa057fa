//! `vec!` makes a vector of Rust.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    vec![1.0, 2.0].sum()
}

fn main() {}
