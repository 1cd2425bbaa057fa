//! No container is called so: rustc says it, once.

use defn::prelude::*;

#[defn]
fn f(r: Rwo) -> f32 {
    r.w.sum()
}

#[defn]
struct Row {
    w: Tensor<f32, n>,
}

fn main() {}
