//! A crate that knows `defn` as `tensors`: attributes are told so, and requests know it from their own macro.
#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]

use library::ops::softmax;
use tensors::prelude::*;

/// A scale.
#[defn(crate = ::tensors)]
#[derive(Clone, Debug)]
pub struct Scale<n> {
    /// One factor for each.
    pub by: Tensor<f64, n>,
}

/// The entropy of shares.
#[defn(crate = ::tensors)]
pub fn entropy(scale: Scale<class>, x: Tensor<f64, class>) -> f64 {
    let share = softmax(x * scale.by);
    -(share * share.log()).sum()
}

/// How to change the scale, written where the facade has another name.
pub fn slope(scale: &Scale, x: &Tensor<f64, 1>) -> Scale {
    grad!(entropy)(scale, x)
}

/// A square, whose rule is tested.
#[defn(crate = ::tensors, grad = doubled, test)]
pub fn square(x: Tensor<f64, n>) -> Tensor<f64, n> {
    x * x
}

#[defn(crate = ::tensors)]
fn doubled(x: Tensor<f64, n>, y: Tensor<f64, n>, c: Tensor<f64, n>) -> Tensor<f64, n> {
    2.0 * c * x + 0.0 * y
}

#[test]
fn shares_that_are_equal_have_the_largest_entropy() {
    let scale = Scale { by: Tensor::zeros([4]) };
    let x = Tensor::from_fn([4], |[i]| i as f64);
    assert!((entropy(&scale, &x) - 4f64.ln()).abs() < 1e-15);
    assert!(slope(&scale, &x).by.is_close(&Tensor::zeros([4]), 0.0, 1e-15));
}
