//! log, log2, log1p.
//!
//! In:  any `x`.   Out: the logarithm; minus infinity at the pole, NaN below it.
//!
//! ```text
//! f64    x = 2^k (1 + f),  √½ <= 1 + f < √2      s = f / (2 + f)      log x = k ln 2 + 2 s + s³ Q(s²)
//! f32    x = 2^k (1 + f),  3/4 <= 1 + f < 3/2                         log x = k ln 2 + f - f²/2 + f³ Q(f)
//! ```
//!
//! `2 s` is `f - s f`, and `f` is exact, so the quotient's error is small beside it.
//! The border of `f32` is one that some machines know how to split at.

use super::machine::Machine;
use super::pieces::{polynomial_f32, polynomial_f64};
use super::value::{F32, F64};
use std::f64::consts::LN_2;

/// `ln 2` in two parts; a product of the head and an exponent is exact.
const LN_2_HEAD: f64 = 6.931_471_803_691_238e-1;
const LN_2_TAIL: f64 = 1.908_214_929_270_587_7e-10;
const LN_2_HEAD_F32: f32 = 6.931_457_5e-1;
const LN_2_TAIL_F32: f32 = 1.428_606_8e-6;

/// `1 / ln 2` in two parts.
const LOG2_E_HEAD: f64 = std::f64::consts::LOG2_E;
const LOG2_E_TAIL: f64 = 2.0355273740931033e-17;
const LOG2_E_HEAD_F32: f32 = std::f32::consts::LOG2_E;
const LOG2_E_TAIL_F32: f32 = 1.925_963e-8;

/// `(log(1 + f) - f + f²/2) / f³`, to 2^-27 of the logarithm.
const LOG_F32: [f32; 8] = [
    3.333_345e-1,
    -2.500_009_5e-1,
    1.999_086e-1,
    -1.664_73e-1,
    1.447_839_1e-1,
    -1.316_130_3e-1,
    1.046_323_6e-1,
    -4.507_589_7e-2,
];

/// `(log2(1 + f) - f log2 e) / f²`, to 2^-27 of the logarithm.
const LOG2_F32: [f32; 9] = [
    -7.213_475e-1,
    4.809_001e-1,
    -3.606_745_6e-1,
    2.884_034_8e-1,
    -2.401_764_7e-1,
    2.089_319_5e-1,
    -1.898_911_7e-1,
    1.507_383_4e-1,
    -6.479_142e-2,
];

/// `(log((1 + s) / (1 - s)) - 2 s) / s³` in `s²`, to 2^-36 (enough for `f32`), 2^-43 and 2^-58.
const LOG_SHORT: [f64; 4] =
    [0.6666666563023103, 0.4000033895401192, 0.28537048831137646, 0.2358746002717604];
const LOG_MIDDLE: [f64; 5] = [
    0.6666666667596198,
    0.3999999555957444,
    0.28572116508670303,
    0.22175851938832486,
    0.1958939885820592,
];
const LOG_F64: [f64; 7] = [
    0.6666666666666736,
    0.39999999999401104,
    0.2857142874569863,
    0.2222219820568947,
    0.1818358477779212,
    0.15313494504911576,
    0.1480182648144697,
];

pub(super) fn log_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let (k, f) = split_f32(x);
    let z = f * f;
    let q = polynomial_f32(f, &LOG_F32).fma(f, -0.5);
    let y = z.fma(q, k * LN_2_TAIL_F32) + f;
    k.fma(LN_2_HEAD_F32, y)
}

pub(super) fn log2_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let (k, f) = split_f32(x);
    let rest = (f * f).fma(polynomial_f32(f, &LOG2_F32), f * LOG2_E_TAIL_F32);
    k + f.fma(LOG2_E_HEAD_F32, rest)
}

pub(super) fn log1p_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let wide = x.widen();
    let sum = 1.0 + wide;
    let (k, f) = split_f64(sum);
    // Without an exponent there was no rounding of consequence to undo but the one of the sum.
    let f = k.equals(0.0).select(wide, f);
    let s = f / (2.0 + f);
    let z = s * s;
    let y = (s * z).fma(polynomial_f64(z, &LOG_SHORT), s + s);
    let result = k.fma(LN_2, y);
    // The sign of a zero is lost in the sum.
    let result = wide.equals(0.0).select(wide, result);
    special_f64(sum, result).narrow()
}

pub(super) fn log_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let (k, f) = split_f64(x);
    special_f64(x, assemble(k, f, k * LN_2_TAIL))
}

/// The logarithm of `1 + f` is a double-double here, for the product with `1 / ln 2` must not round twice.
pub(super) fn log2_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let (k, f) = split_f64(x);
    let half_square = f * f * 0.5;
    let s = f / (2.0 + f);
    let z = s * s;
    let tail = s * z.fma(polynomial_f64(z, &LOG_F64), half_square);
    let high = f - half_square;
    let low = ((f - high) - half_square) + tail;
    // The product of the halves is `f²/2` rounded; what the rounding lost counts where `f` is large.
    let low = low - (f * 0.5).fma(f, -half_square);
    let y = high * LOG2_E_HEAD;
    let y_low = high.fma(LOG2_E_HEAD, -y) + high.fma(LOG2_E_TAIL, low * LOG2_E_HEAD);
    let sum = k + y;
    special_f64(x, sum + (((k - sum) + y) + y_low))
}

/// `c` is what the rounding of `1 + x` lost, relative to the sum.
pub(super) fn log1p_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let sum = 1.0 + x;
    let (k, f) = split_f64(sum);
    let plain = k.equals(0.0);
    let lost = x.less(1.0).select(x - (sum - 1.0), 1.0 - (sum - x));
    let c = plain.select(x.constant(0.0), lost / sum);
    let result = assemble(k, plain.select(x, f), k.fma(LN_2_TAIL, c));
    let result = x.abs().less(f64::EPSILON / 4.0).select(x, result);
    special_f64(sum, result)
}

/// `log2 x` for a positive finite `x` in `f64`, with an error of 2^-43 of the result.
pub(super) fn log2_middle<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let (k, f) = split_f64(x);
    let s = f / (2.0 + f);
    let z = s * s;
    let y = (s * z).fma(polynomial_f64(z, &LOG_MIDDLE), s + s);
    y.fma(LOG2_E_HEAD, k)
}

/// `k` and `f` of a positive finite `x`; the integer arithmetic moves the border of exponents to `√½`.
pub(super) fn split_f64<'d, M: Machine>(x: F64<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    const ROOT_HALF: i64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: i64 = 0x3ff0_0000_0000_0000;
    // 2^52 plus the bias, so that the pattern of an exponent below it reads as a number.
    const NUMBER: i64 = 0x4330_0000_0000_0000;
    const SHIFT: f64 = 4_503_599_627_370_496.0 + 1023.0;
    let subnormal = x.less(f64::MIN_POSITIVE);
    let x = subnormal.select(x * 18_014_398_509_481_984.0, x);
    let bits = x.bits() + (ONE - ROOT_HALF);
    let shift = subnormal.select(x.constant(SHIFT + 54.0), SHIFT);
    let k = ((bits >> 52) | NUMBER).float() - shift;
    let mantissa = ((bits & 0x000f_ffff_ffff_ffff) + ROOT_HALF).float();
    (k, mantissa - 1.0)
}

/// `k` and `f`: of zero and infinity `k` is infinite, of a negative number `f` is NaN.
fn split_f32<'d, M: Machine>(x: F32<'d, M>) -> (F32<'d, M>, F32<'d, M>) {
    const BORDER: i32 = 0x3f40_0000;
    const ONE: i32 = 0x3f80_0000;
    if let Some((k, mantissa)) = x.split_at_once() {
        return (k, mantissa - 1.0);
    }
    let subnormal = x.less(f32::MIN_POSITIVE);
    let normal = subnormal.select(x * 8_388_608.0, x);
    let bits = normal.bits() + (ONE - BORDER);
    let shift = subnormal.select(x.constant(127.0 + 23.0), 127.0);
    let k = (bits >> 23).number() - shift;
    let mantissa = ((bits & 0x007f_ffff) + BORDER).float();
    let k = x.equals(0.0).select(x.constant(f32::NEG_INFINITY), k);
    let k = x.equals(f32::INFINITY).select(x, k);
    let f = x.constant(0.0).at_most(x).select(mantissa - 1.0, f32::NAN);
    (k, f)
}

/// `k ln 2 + log(1 + f)`, where `low` is the part of `k ln 2` and of the argument that is below `f`.
fn assemble<'d, M: Machine>(k: F64<'d, M>, f: F64<'d, M>, low: F64<'d, M>) -> F64<'d, M> {
    let half_square = f * f * 0.5;
    let s = f / (2.0 + f);
    let z = s * s;
    let tail = s.fma(z.fma(polynomial_f64(z, &LOG_F64), half_square), low);
    k.fma(LN_2_HEAD, f - (half_square - tail))
}

/// The result, but NaN below zero, the pole at zero, and infinity at infinity.
fn special_f64<'d, M: Machine>(x: F64<'d, M>, result: F64<'d, M>) -> F64<'d, M> {
    let result = x.constant(0.0).at_most(x).select(result, f64::NAN);
    let result = x.equals(0.0).select(x.constant(f64::NEG_INFINITY), result);
    x.equals(f64::INFINITY).select(x, result)
}
