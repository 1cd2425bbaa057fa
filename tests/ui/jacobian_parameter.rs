//! A Jacobian with respect to integers beside floats.

use defn::prelude::*;

#[defn]
struct Rows<n> {
    at: Tensor<f32, n>,
    row: Tensor<i32, n>,
}

#[defn]
fn total(rows: Rows<n>) -> f32 {
    rows.at.sum()
}

#[defn]
fn f(rows: Rows<n>) -> Tensor<f32, n> {
    jacobian!(total)(rows).at
}

fn main() {}
