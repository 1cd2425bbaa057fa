//! An attribute inside of a body.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> Tensor<f32, n> {
    #[cfg(test)]
    let x = x * 2.0;
    x
}

fn main() {}
