//! An axis is used without being declared.

use defn::prelude::*;

#[defn]
fn f<n>(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

fn main() {}
