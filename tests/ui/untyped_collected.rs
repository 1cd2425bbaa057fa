//! A literal alone has no type.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    let ones = for v in x.along(n) { 1.0 };
    x * ones
}

fn main() {}
