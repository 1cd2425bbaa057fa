//! A test of a rule that is not there.

use defn::prelude::*;

#[defn(test)]
fn f(x: f32) -> f32 {
    x
}

fn main() {}
