//! A `match`.

use defn::prelude::*;

#[defn]
fn f(x: f32, n: i32) -> f32 {
    match n {
        0 => x,
        _ => x * 2.0,
    }
}

fn main() {}
