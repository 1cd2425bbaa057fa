//! The worst error of a function over a walk through the bit patterns.
//!
//! In:  a function, a stride and a reference that returns the exact value in `f64`.
//! Out: the greatest error in ULP, and where.
//!
//! A stride of one visits every `f32`.
//! Never here: the references; they come from a library that only tests may link.

use super::{Function, Scalar, unary_f32};

/// A greatest error and the argument that has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst<T> {
    /// In units in the last place of the exact value.
    pub ulp: f64,
    /// The argument.
    pub at: T,
}

/// The worst error of `function` over every `stride`th bit pattern of `f32`, against `exact` in `f64`.
///
/// A result of the wrong class (NaN, infinity or zero sign for another) counts as infinitely wrong.
pub fn worst_f32(function: Function, stride: u32, exact: impl Fn(f32) -> f64) -> Worst<f32> {
    let mut worst = Worst { ulp: 0.0, at: 0.0 };
    for bits in (0..=u32::MAX).step_by(stride as usize) {
        let x = f32::from_bits(bits);
        let ulp = error_f32(unary_f32(&mut Scalar, function, x), exact(x));
        if ulp > worst.ulp {
            worst = Worst { ulp, at: x };
        }
    }
    worst
}

/// The distance of `result` to `exact`, in the spacing of `f32` at `exact`.
pub fn error_f32(result: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if result.is_nan() && rounded.is_nan() {
        return 0.0;
    }
    if result.is_nan()
        || rounded.is_nan()
        || result.is_sign_negative() != rounded.is_sign_negative()
    {
        return f64::INFINITY;
    }
    if result.is_infinite() && rounded.is_infinite() {
        return 0.0;
    }
    // Past the greatest number an infinity stands for the next power of two.
    let limit = 2f64.powi(f32::MAX_EXP);
    (f64::from(result).clamp(-limit, limit) - exact).abs() / spacing_f32(exact)
}

/// The distance between two `f32` near `exact`; subnormal numbers have the spacing of the least normal one.
fn spacing_f32(exact: f64) -> f64 {
    let exponent = (exact.abs().to_bits() >> 52) as i32 - 1023;
    2f64.powi(exponent.clamp(f32::MIN_EXP - 1, f32::MAX_EXP - 1) - 23)
}

/// The number of `f64` between two results of the same class; zeros of different sign are far apart.
pub fn steps_f64(a: f64, b: f64) -> u64 {
    if a.is_nan() && b.is_nan() {
        return 0;
    }
    if a.is_nan() || b.is_nan() || a.is_sign_negative() != b.is_sign_negative() {
        return u64::MAX;
    }
    a.to_bits().abs_diff(b.to_bits())
}
