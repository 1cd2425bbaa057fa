//! Rows that are normalised: softmax over a vector and over rows, layer normalisation.

use defn::prelude::*;

use crate::inputs::normal;
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{self, Near, all, by_rows, check, constant, exact, mean, sum};

#[defn]
fn shares(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.exp() / x.exp().sum()
}

pub(crate) fn softmax_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([1_000_000], 1);
    let expected = || {
        let powers: Vec<Near> = x.iter().map(|x| exact(*x).exp()).collect();
        let total = sum(powers.iter().copied());
        powers.into_iter().map(|power| power / total).collect::<Vec<_>>()
    };
    stopwatch.time(&x, |x| shares(x), shares::into, |y| check(y, &expected()))
}

#[defn]
pub(crate) fn softmax(x: Tensor<f32, row, class>) -> Tensor<f32, row, class> {
    x.softmax(class)
}

pub(crate) fn softmax_rows(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([1024, 1024], 1);
    let expected = || by_rows(&all(&x), 1024, reference::softmax);
    stopwatch.time(&x, |x| softmax(x), softmax::into, |y| check(y, &expected()))
}

/// GELU with the hyperbolic tangent.
#[defn]
fn gelu(x: f32) -> f32 {
    // The square root of 2/π.
    0.5 * x * (1.0 + (0.7978845608 * (x + 0.044715 * x * x * x)).tanh())
}

#[defn]
fn layernorm(
    x: Tensor<f32, row, feature>,
    gain: Tensor<f32, feature>,
    shift: Tensor<f32, feature>,
) -> Tensor<f32, row, feature> {
    let centered = x - x.mean(feature);
    gelu(centered * (x.variance(feature) + 1e-5).rsqrt() * gain + shift)
}

pub(crate) fn layernorm_gelu(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([4096, 1024], 1);
    let (gain, shift) = (normal([1024], 2), normal([1024], 3));
    stopwatch.time(
        &(x.clone(), gain.clone(), shift.clone()),
        |(x, gain, shift)| layernorm(x, gain, shift),
        |(x, gain, shift), y| layernorm::into(x, gain, shift, y),
        |y| {
            let (gain, shift) = (all(&gain), all(&shift));
            let row = |x: &[Near]| {
                let parts = normalised(x).into_iter().zip(&gain).zip(&shift);
                parts.map(|((x, g), s)| gelu_of(x * *g + *s)).collect()
            };
            check(y, &by_rows(&all(&x), 1024, row))
        },
    )
}

/// A row with mean 0 and variance 1.
pub(crate) fn normalised(row: &[Near]) -> Vec<Near> {
    let middle = mean(row);
    let centered: Vec<Near> = row.iter().map(|x| *x - middle).collect();
    let variance = mean(&centered.iter().map(|x| *x * *x).collect::<Vec<_>>());
    let scale = (variance + constant(1e-5)).rsqrt();
    centered.into_iter().map(|x| x * scale).collect()
}

fn gelu_of(x: Near) -> Near {
    let inner = constant(0.7978845608) * (x + constant(0.044715) * x * x * x);
    constant(0.5) * x * (exact(1.0) + inner.tanh())
}
