//! A function with rules shows and checks nothing.

use defn::prelude::*;

#[defn]
fn slope(x: f32, y: f32, c: f32) -> f32 {
    c * y
}

#[defn(grad = slope)]
fn f(x: f32) -> f32 {
    inspect!("x", x).exp()
}

fn main() {}
