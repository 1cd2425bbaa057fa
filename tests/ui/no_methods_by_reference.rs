//! A receiver behind a reference is one mistake.

use defn::prelude::*;

struct Net;

impl Net {
    #[defn]
    fn forward(&self, x: f32) -> f32 {
        self.w * x
    }
}

fn main() {}
