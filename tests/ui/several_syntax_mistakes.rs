//! All mistakes of syntax are shown at once.

use defn::prelude::*;

#[defn]
fn f(mut x: f32, y: &f32) -> f32 {
    let a = match x { _ => x };
    let b = |y| y;
    return a;
}

fn main() {}
