//! A constant is not a type.

use defn::prelude::*;

#[defn]
const EPS: f32 = 1e-6;

#[defn]
fn f(x: EPS) -> f32 {
    1.0
}

fn main() {}
