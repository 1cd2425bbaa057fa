//! Shapes do not depend on data.

use defn::prelude::*;

#[defn]
fn f(k: i64) -> f32 {
    zeros::<f32>(n = k).sum()
}

fn main() {}
