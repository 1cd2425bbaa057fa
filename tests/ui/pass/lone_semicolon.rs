//! A semicolon on its own is nothing.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, n>) -> f32 {
    let y = x.sum();;
    y
}

fn main() {
    assert_eq!(f(&Tensor::from([1.0f32, 2.0])), 3.0);
}
