//! An element type has no default.

use defn::prelude::*;

#[defn]
struct Row<T: Float = f32> {
    w: Tensor<T, n>,
}

fn main() {}
