//! The values have an axis that is nowhere else.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, vocab>, ids: Tensor<i32, batch>, values: Tensor<f32, time>) -> Tensor<f32, vocab> {
    x.add_at(vocab, ids, values)
}

fn main() {}
