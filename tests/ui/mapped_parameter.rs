//! A `usize` is the same for all.

use defn::prelude::*;

#[defn]
fn multiple(x: Tensor<f32, n>, times: usize) -> Tensor<f32, n> {
    x * times as f32
}

fn main() {
    let _ = vmap!(multiple, over = b, of = times);
}
