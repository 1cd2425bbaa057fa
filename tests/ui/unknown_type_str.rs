//! There is no text.

use defn::prelude::*;

#[defn]
fn f(x: &str) -> f32 {
    1.0
}

fn main() {}
