//! What the tests share: numbers to compute with, tolerances, and ways to compare.

use defn::prelude::*;
use defn::{Element, Float};

/// Nothing, one, around the widths of the vector registers, and odd.
pub(crate) const EXTENTS: [usize; 9] = [0, 1, 2, 3, 7, 8, 16, 17, 37];

/// A function is within 2 ULP, of at most one epsilon each; std's, the twin, is within one in `f64`.
pub(crate) const FUNCTION_ULPS: f64 = 3.0;

/// Sums of up to a few hundred terms of size one, in another order than the twin's.
pub(crate) const SUM_F32: f64 = 1e-4;

/// The same in `f64`.
pub(crate) const SUM_F64: f64 = 1e-12;

/// The step of central differences in `f64`: the cube root of epsilon balances truncation and rounding.
pub(crate) const STEP: f64 = 6e-6;

/// What is left then is of the order of `STEP` squared times the third derivative.
pub(crate) const SLOPE: f64 = 1e-7;

/// The epsilon of a float type, as `f64`.
pub(crate) fn epsilon<T: Float>() -> f64 {
    if size_of::<T>() == 4 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// The tolerance of a sum in a float type.
pub(crate) fn of_sums<T: Float>() -> f64 {
    if size_of::<T>() == 4 { SUM_F32 } else { SUM_F64 }
}

/// Steele, Lea and Flood's SplitMix64 of a position: the same numbers in every run.
pub(crate) fn noise(seed: u64, position: u64) -> u64 {
    let state = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Floats between `low` and `high`.
pub(crate) fn between<T: Element, const RANK: usize>(
    shape: [usize; RANK],
    seed: u64,
    (low, high): (f64, f64),
) -> Tensor<T, RANK> {
    let mut position = 0;
    let unit = Tensor::from_fn(shape, |_| {
        position += 1;
        let unit = (noise(seed, position) >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    });
    unit.cast()
}

/// Floats between -2 and 2.
pub(crate) fn floats<T: Float, const RANK: usize>(
    shape: [usize; RANK],
    seed: u64,
) -> Tensor<T, RANK> {
    between(shape, seed, (-2.0, 2.0))
}

/// Integers from -9 up to 9, or what `as` makes of them.
pub(crate) fn whole<T: Element, const RANK: usize>(
    shape: [usize; RANK],
    seed: u64,
) -> Tensor<T, RANK> {
    between::<f64, RANK>(shape, seed, (-9.0, 10.0)).map(f64::floor).cast()
}

/// Truth values.
pub(crate) fn truths<const RANK: usize>(shape: [usize; RANK], seed: u64) -> Tensor<bool, RANK> {
    between::<f64, RANK>(shape, seed, (-1.0, 1.0)).map(|x| x < 0.0)
}

/// Every element near that of the twin, relative to its size or to one.
#[track_caller]
pub(crate) fn near<T: Float, const RANK: usize>(
    found: &Tensor<T, RANK>,
    tolerance: f64,
    twin: impl FnMut([usize; RANK]) -> f64,
) {
    let expected = Tensor::<f64, RANK>::from_fn(found.shape(), twin);
    for (found, expected) in found.cast::<f64>().iter().zip(expected.iter()) {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        let apart = (found - expected).abs();
        assert!(
            same || apart <= tolerance * expected.abs().max(1.0),
            "found {found:e}, expected {expected:e}, apart by {apart:e}, tolerated {tolerance:e}"
        );
    }
}

/// Every element equal to that of the twin.
#[track_caller]
pub(crate) fn same<E: Element, const RANK: usize>(
    found: &Tensor<E, RANK>,
    twin: impl FnMut([usize; RANK]) -> E,
) {
    assert_eq!(*found, Tensor::from_fn(found.shape(), twin));
}

/// The gradient by central differences.
pub(crate) fn slope<const RANK: usize>(
    x: &Tensor<f64, RANK>,
    f: impl Fn(&Tensor<f64, RANK>) -> f64,
) -> Tensor<f64, RANK> {
    let moved = |at: [usize; RANK], by: f64| {
        let mut x = x.copied();
        x[at] += by;
        f(&x)
    };
    Tensor::from_fn(x.shape(), |at| (moved(at, STEP) - moved(at, -STEP)) / (2.0 * STEP))
}

/// The gradient near that by central differences.
#[track_caller]
pub(crate) fn slopes<const RANK: usize>(
    found: &Tensor<f64, RANK>,
    x: &Tensor<f64, RANK>,
    f: impl Fn(&Tensor<f64, RANK>) -> f64,
) {
    assert_eq!(found.shape(), x.shape());
    let expected = slope(x, f);
    near(found, SLOPE, |at| expected[at]);
}

/// Products, functions and folds, whose bits are the same wherever they are computed.
#[defn]
pub(crate) fn network(
    x: Tensor<f32, batch, pixel>,
    w: Tensor<f32, pixel, hidden>,
    v: Tensor<f32, hidden, class>,
) -> (Tensor<f32, batch, class>, f32, Tensor<f32, hidden>) {
    let h = x.dot(w, pixel).tanh();
    let z = h.dot(v, hidden);
    (z.softmax(class), z.logsumexp(class).mean(), h.variance(batch))
}
