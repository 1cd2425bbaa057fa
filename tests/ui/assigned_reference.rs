//! A whole `&mut` parameter is written with `*`.

use defn::prelude::*;

#[defn]
fn f(x: &mut Tensor<f32, n>) {
    x = x * 2.0;
}

fn main() {}
