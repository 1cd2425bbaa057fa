//! A definition is not `const`.

use defn::prelude::*;

#[defn]
const fn f(x: f32) -> f32 {
    x
}

fn main() {}
