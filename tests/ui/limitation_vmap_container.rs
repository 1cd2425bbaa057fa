//! A struct of Rust cannot have more axes than were written.

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
    let _ = vmap!(height, over = b);
}
