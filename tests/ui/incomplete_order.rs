//! `order` names every axis.

use defn::prelude::*;

#[defn]
fn f(x: Tensor<f32, a, b, c>) -> Tensor<f32, c, b, a> {
    x.order(c, a)
}

fn main() {}
