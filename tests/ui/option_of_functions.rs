//! A rule for a container.

use defn::prelude::*;

#[defn(grad = slope)]
struct Line<n> {
    w: Tensor<f32, n>,
}

fn main() {}
