//! One option, two values.

use defn::prelude::*;

#[defn(memory = "8 MiB", memory = "4 MiB")]
fn f(x: f32) -> f32 {
    x
}

fn main() {}
