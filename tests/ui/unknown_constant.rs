//! std has no such constant.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    x * std::f32::consts::PHIX
}

fn main() {}
