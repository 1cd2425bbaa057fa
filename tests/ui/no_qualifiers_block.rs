//! There is nothing unsafe to do in a body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    unsafe { x.exp() }
}

fn main() {}
