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

/// A square, whose rules are tested.
#[defn(grad = doubled, jvp = moved, test(x = -3.0..2.0), bare)]
pub fn square<T: Float>(x: T) -> T {
    x * x
}

#[defn]
fn doubled<T: Float>(x: T, y: T, c: T) -> T {
    2.0 * c * x + 0.0 * y
}

#[defn]
fn moved<T: Float>(x: T, v: T) -> (T, T) {
    (x * x, 2.0 * v * x)
}

#[test]
fn it_runs() {
    let x = Tensor::from_fn([3], |[i]| i as f64);
    assert_eq!(energy(&x), 5.0);
    assert_eq!(slope(&x), Tensor::from_fn([3], |[i]| 2.0 * i as f64));
}
