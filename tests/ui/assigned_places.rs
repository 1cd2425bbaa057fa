//! Three places for two values, and one for a value of another type.

use defn::prelude::*;

#[defn]
fn pair(x: f32) -> (f32, i64) {
    (x, 1)
}

#[defn]
fn f(x: f32) -> f32 {
    let mut a = x;
    let mut b = x;
    (a, b, _) = pair(a);
    a + b
}

#[defn]
fn g(x: f32) -> f32 {
    let mut a = x;
    let mut b = x;
    (a, b) = pair(a);
    a + b
}

fn main() {}
