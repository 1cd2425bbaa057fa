//! Branches are not converted.

use defn::prelude::*;

#[defn]
fn f(x: f32, n: i64) -> f32 {
    let y = if x > 0.0 { x } else { n };
    y
}

fn main() {}
