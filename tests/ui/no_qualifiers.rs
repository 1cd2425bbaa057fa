//! A definition is not `async`.

use defn::prelude::*;

#[defn]
async fn f(x: f32) -> f32 {
    x
}

fn main() {}
