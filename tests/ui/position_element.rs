//! Positions are integers.

use defn::prelude::*;

#[defn]
fn f(table: Tensor<f32, vocab>, ids: Tensor<f32, batch>) -> Tensor<f32, batch> {
    table.take(vocab, ids)
}

fn main() {}
