//! A crate without std in the edition of 2018: what `#[defn]` writes names everything from `::core` or the facade on.
#![no_std]
#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]

use defn::prelude::*;

/// The square of the length.
#[defn]
pub fn energy(x: Tensor<f64, n>) -> f64 {
    squares(x).sum()
}

#[defn]
fn squares(x: Tensor<f64, n>) -> Tensor<f64, n> {
    x * x
}

/// What it grows by.
pub fn slope(x: &Tensor<f64, 1>) -> Tensor<f64, 1> {
    grad!(energy)(x)
}

#[test]
fn it_runs() {
    let x = Tensor::from_fn([3], |[i]| i as f64);
    assert_eq!(energy(&x), 5.0);
    assert_eq!(slope(&x), Tensor::from_fn([3], |[i]| 2.0 * i as f64));
}
