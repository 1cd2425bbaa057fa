//! There is no element 10 of 10.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time<10>>) -> f32 {
    x.at(time, 10)
}

fn main() {}
