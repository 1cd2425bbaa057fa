//! A container is not taken apart by a pattern.

use defn::prelude::*;

#[defn]
struct Row {
    w: Tensor<f32, n>,
}

#[defn]
fn f(r: Row) -> Tensor<f32, n> {
    let Row { w } = r;
    w
}

fn main() {}
