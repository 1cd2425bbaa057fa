//! Without `self`, too, a function in an `impl` is not free.

use defn::prelude::*;

struct Net;

impl Net {
    #[defn]
    fn forward(x: f32) -> f32 {
        x + 1.0
    }
}

fn main() {}
