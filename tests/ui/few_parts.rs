//! One part is a `rename`.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, features>) -> f32 {
    x.split(features, (head)).sum()
}

fn main() {}
