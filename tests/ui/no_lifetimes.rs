//! Nothing is borrowed, so nothing has a lifetime.

use defn::prelude::*;

#[defn]
fn f<'a>(x: f32) -> f32 {
    x
}

fn main() {}
