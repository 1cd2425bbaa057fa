//! The name of the new axis is missing.

use defn::prelude::*;

#[defn]
fn square(x: f32) -> f32 {
    x * x
}

fn main() {
    let _ = vmap!(square);
}
