//! Nothing tells the extent of the result.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, features>) -> Tensor<f32, feature> {
    x
}

fn main() {}
