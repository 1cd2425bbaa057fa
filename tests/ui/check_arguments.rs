//! The message of a check holds no values.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    check!(x > 0.0, "{x} must be positive");
    x.ln()
}

fn main() {}
