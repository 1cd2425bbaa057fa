//! No constant is called so: rustc says it, once.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    x + ESP
}

#[defn]
const EPS: f32 = 1e-6;

fn main() {}
