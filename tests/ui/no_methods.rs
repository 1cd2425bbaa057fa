//! A `#[defn]` function is not a method.

use defn::prelude::*;

struct Net;

impl Net {
    #[defn]
    fn forward(self, x: f32) -> f32 {
        x
    }
}

fn main() {}
