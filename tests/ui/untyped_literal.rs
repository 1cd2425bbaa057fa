//! Nothing tells the type of a local that changes.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let mut a = 0.0;
    a += x.sum();
    a
}

fn main() {}
