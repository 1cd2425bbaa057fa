//! There is no loop to leave.

use defn::prelude::*;

#[defn]
fn f(x: f32) -> f32 {
    if x > 0.0 {
        break;
    }
    x
}

fn main() {}
