//! A container has fixed axes in Rust.

use defn::prelude::*;

#[defn]
struct Line<n> {
    w: Tensor<f32, n>,
}

#[defn]
fn total(line: Line<n>) -> f32 {
    line.w.sum()
}

fn main() {
    let _ = jacobian!(total);
}
