//! A determinant of a matrix that may have more rows than columns.

use defn::prelude::*;

#[defn]
fn f(a: Tensor<f32, batch, row, column>) -> Tensor<f32, batch> {
    a.det(row, column)
}

fn main() {}
