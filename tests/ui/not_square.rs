//! A factorization of a matrix that may have more rows than columns.

use defn::prelude::*;

#[defn]
fn f(a: Tensor<f32, row, column>) -> Tensor<f32, row, column> {
    a.cholesky(row, column)
}

fn main() {}
