//! A method of a trait.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    <f32 as Clone>::clone(x)
}

fn main() {}
