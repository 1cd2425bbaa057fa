//! Two literals do not say which type they have.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    let y = if x > 0.0 { 1.0 } else { 2.0 };
    x * y
}

fn main() {}
