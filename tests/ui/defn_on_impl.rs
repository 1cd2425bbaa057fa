//! `#[defn]` goes on functions, not on a whole `impl`.

use defn::prelude::*;

struct Net;

#[defn]
impl Net {
    fn f(x: f32) -> f32 {
        x
    }
}

fn main() {}
