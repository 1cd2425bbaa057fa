//! A check says what must hold.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    check!(x > 0.0);
    check!(x < 9.0, x);
    x.ln()
}

fn main() {}
