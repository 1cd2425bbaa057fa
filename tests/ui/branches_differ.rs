//! Both branches of an `if` have one type.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>, y: Tensor<f32, m>, first: bool) -> Tensor<f32, n> {
    if first { x } else { y }
}

fn main() {}
