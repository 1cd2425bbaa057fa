//! The function uses the name of the new axis itself.

use defn::prelude::*;

#[defn]
fn total(x: Tensor<f32, n>) -> f32 {
    x.sum()
}

#[defn]
fn f(x: Tensor<f32, b, n>) -> Tensor<f32, b> {
    vmap!(total, over = n)(x)
}

fn main() {
    let _ = vmap!(total, over = n);
}
