//! 100 elements do not fill rows of 64.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, features<100>>) -> f32 {
    x.split(features, (head, dim = 64)).sum()
}

fn main() {}
