//! Only one part can be computed.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, features>) -> f32 {
    x.split(features, (head, dim)).sum()
}

fn main() {}
