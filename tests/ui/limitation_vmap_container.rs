//! A struct of Rust has one more axis, and no two.

use defn::prelude::*;

#[defn]
struct Line {
    slope: Tensor<f32, n>,
    at: f32,
}

#[defn]
fn height(line: Line, x: Tensor<f32, n>) -> f32 {
    (line.slope * x).sum() + line.at
}

fn main() {
    let _ = vmap!(vmap!(height, over = a), over = b);
}
