//! The axis of the loop is one of the value already.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, time>) -> Tensor<f32, time, other<time>> {
    for v in x.along(time) { x * v }
}

fn main() {}
