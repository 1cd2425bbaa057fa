//! There is nothing to differentiate, asked from Rust.

use defn::prelude::*;

#[defn]
fn one() -> f32 {
    1.0
}

fn main() {
    let _ = grad!(one);
}
