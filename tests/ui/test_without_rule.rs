//! A test of no rule.

use defn::prelude::*;

#[defn(test(x = 0.1..0.9))]
fn f(x: f32) -> f32 {
    x.sqrt()
}

fn main() {}
