//! The extent of an axis is written with `=` in expressions.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n<128>>) -> f32 {
    x.split(n, (head, dim::<64>)).sum()
}

fn main() {}
