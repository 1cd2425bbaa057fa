//! The mapped axis of two arguments has two extents.

use defn::prelude::*;

#[defn]
fn product(w: Tensor<f32, n>, x: Tensor<f32, n>) -> f32 {
    w.dot(x, n)
}

#[defn]
fn known(w: Tensor<f32, b<3>, n>, x: Tensor<f32, b<4>, n>) -> Tensor<f32, b<3>> {
    vmap!(product, over = b)(w, x)
}

#[defn]
fn unrelated(w: Tensor<f32, b<k>, n>, x: Tensor<f32, b<m>, n>) -> Tensor<f32, b<k>> {
    vmap!(product, over = b)(w, x)
}

fn main() {}
