//! sin, cos, tan.
//!
//! In:  any `x`, in radians, however large.   Out: the function at `x`; NaN at the infinities.
//!
//! ```text
//! |x| = (q + f) π/2,  |f| <= 1/2      r = f π/2      sin |x| = ± sin r or ± cos r, by q modulo 4
//! ```
//!
//! For `f32` up to [`MODERATE`] the reduction is by whole half turns, with `π` in three parts (Cody and Waite); it needs no cosine.
//! Beyond, and for `f64`, one reduction serves all magnitudes (Payne and Hanek, "Radian reduction for trigonometric functions",
//! 1983): the product of `x` with those bits of 2/π that are not multiples of four for this exponent.
//! For `f32` the product of two `f64` pieces is exact enough; `f64` takes four pieces and exact sums.

use super::machine::Machine;
use super::pieces::{
    ExponentF64, clamp_f32, fast_two_sum, flip_f32, flip_f64, polynomial_f32, polynomial_f64,
    sign_f32, sign_f64, two_product, two_sum,
};
use super::two_over_pi::{
    DOUBLE_FIRST, DOUBLE_FOURTH, DOUBLE_SECOND, DOUBLE_THIRD, SINGLE_HIGH, SINGLE_LOW,
};
use super::value::{F32, F64, I32, I64, Mask};
use std::f32::consts::FRAC_1_PI;
use std::f64::consts::FRAC_PI_2;

/// What `FRAC_PI_2` lacks.
const FRAC_PI_2_REST: f64 = 6.123233995736766e-17;

/// Up to here a product of a number of half turns and the first part of `π` leaves an exact difference, and three parts are enough
/// for the `f32` that is nearest to a multiple.
const MODERATE: f32 = 1e5;

/// `π` in three parts of 24 bits, each below what is left of it.
const PI_HEAD: f32 = 3.141_592_5;
const PI_MIDDLE: f32 = 1.509_957_9e-7;
const PI_TAIL: f32 = 1.078_060_5e-14;

/// `1.5 · 2²³`: adding it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `(sin r - r) / r³` in `r²` for `|r| <= π/2`, relative to the sine 2^-27; each coefficient is fitted to the roundings of those before it.
const SIN_HALF_TURN: [f32; 4] = [-1.666_666e-1, 8.333_069e-3, -1.980_977_7e-4, 2.606_096e-6];

/// `(sin r - r) / r³` in `r²` for `|r| <= π/4`, relative to the sine: 2^-28, 2^-37, 2^-58.
const SIN_F32: [f32; 3] = [-1.666_665_5e-1, 8.332_191e-3, -1.951_860_5e-4];
const SIN_SHORT: [f64; 4] =
    [-0.16666666641615352, 0.008333329384466397, -0.000198393341510862, 2.7183029200226665e-06];
const SIN_F64: [f64; 6] = [
    -0.16666666666666632,
    0.008333333333322484,
    -0.00019841269829851103,
    2.755731370403224e-06,
    -2.505075969114065e-08,
    1.589687277877117e-10,
];

/// `(cos r - 1 + r²/2) / r⁴` in `r²` for `|r| <= π/4`: 2^-33, 2^-43, 2^-64.
const COS_F32: [f32; 3] = [4.166_664_6e-2, -1.388_730_1e-3, 2.443_066_1e-5];
const COS_SHORT: [f64; 4] =
    [0.04166666662278528, -0.0013888883749606478, 2.479951900134589e-05, -2.7210154566691113e-07];
const COS_F64: [f64; 6] = [
    0.0416666666666666,
    -0.0013888888888874472,
    2.480158728966882e-05,
    -2.7557314399883405e-07,
    2.0875729080916778e-09,
    -1.135992180263651e-11,
];

/// Below this, the sine and the tangent are their argument and products may underflow.
const TINY: f64 = 7.450580596923828e-9;

pub(super) fn sin_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    // A sum of zeros of both signs would lose the sign of a zero.
    let a = x.abs();
    let shifted = a.fma(FRAC_1_PI, ROUND);
    let wave = half_wave(a, shifted - ROUND, (shifted.bits() << 31) ^ sign_f32(x));
    wave.but_rarely(!a.at_most(MODERATE), || {
        let (r, quarter) = reduce_f32(x);
        wave_f32(r.narrow(), quarter, sign_f32(x))
    })
}

/// The cosine is the sine of what is left over a half turn and a half.
pub(super) fn cos_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    // The odd summand turns the sign over.
    let shifted = x.fma(FRAC_1_PI, -0.5) + (ROUND + 1.0);
    let wave = half_wave(x, (shifted - (ROUND + 1.0)) + 0.5, shifted.bits() << 31);
    wave.but_rarely(!x.abs().at_most(MODERATE), || {
        let (r, quarter) = reduce_f32(x);
        wave_f32(r.narrow(), quarter + 1, quarter.constant(0))
    })
}

/// The sine of `x` less `turns` half turns, flipped by a sign.
fn half_wave<'d, M: Machine>(x: F32<'d, M>, turns: F32<'d, M>, sign: I32<'d, M>) -> F32<'d, M> {
    let minus = -turns;
    let r = minus.fma(PI_TAIL, minus.fma(PI_MIDDLE, minus.fma(PI_HEAD, x)));
    let z = r * r;
    let sin = (r * z).fma(polynomial_f32(z, &SIN_HALF_TURN), r);
    // At a quarter turn the roundings of the terms could pass one.
    flip_f32(clamp_f32(sin, -1.0, 1.0), sign)
}

/// The quotient is taken in `f64` and rounded once.
pub(super) fn tan_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let (r, quarter) = reduce_f32(x);
    let z = r * r;
    let sin = (r * z).fma(polynomial_f64(z, &SIN_SHORT), r);
    let cos = (z * z).fma(polynomial_f64(z, &COS_SHORT), 1.0 - z * 0.5);
    let odd = (quarter & 1).equals(1);
    let quotient = odd.select(-cos, sin) / odd.select(sin, cos);
    flip_f32(quotient.narrow(), sign_f32(x))
}

pub(super) fn sin_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce_f64(x);
    let wave = wave_f64(&reduced, reduced.quarter, sign_f64(x));
    x.abs().less(TINY).select(x, wave)
}

pub(super) fn cos_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce_f64(x);
    wave_f64(&reduced, reduced.quarter + 1, reduced.quarter.constant(0))
}

/// Sine and cosine are double-doubles here, so the quotient's own roundings are all that is left.
pub(super) fn tan_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce_f64(x);
    let (sin, sin_low) = sin_parts(&reduced);
    let (cos, cos_low) = cos_parts(&reduced);
    let odd = is_odd(reduced.quarter);
    let (top, top_low) = (odd.select(-cos, sin), odd.select(-cos_low, sin_low));
    let (bottom, bottom_low) = (odd.select(sin, cos), odd.select(sin_low, cos_low));
    let quotient = top / bottom;
    let remainder = (-quotient).fma(bottom, top) + (top_low - quotient * bottom_low);
    let result = flip_f64(quotient + remainder / bottom, sign_f64(x));
    x.abs().less(TINY).select(x, result)
}

/// `r` in `f64` and the quarter turn, of `|x|`. An infinite `x` gives NaN by its own arithmetic.
fn reduce_f32<M: Machine>(x: F32<'_, M>) -> (F64<'_, M>, I32<'_, M>) {
    let a = x.abs();
    let exponent = (a.bits() >> 23) - 150;
    let index = exponent.less(0).select(exponent.constant(0), exponent).widen();
    let a = a.widen();
    let low = index.lookup(&SINGLE_LOW);
    // The product is exact: 24 bits times 29.
    let product = a * index.lookup(&SINGLE_HIGH);
    let turn = ExponentF64::nearest(a.fma(low, product), 1.0);
    let f = a.fma(low, product - turn.number());
    (f * FRAC_PI_2, turn.bits().low())
}

/// Sine of `r`, or cosine where the quarter is odd; the second half of the turn and the sign flip it.
fn wave_f32<'d, M: Machine>(r: F32<'d, M>, quarter: I32<'d, M>, sign: I32<'d, M>) -> F32<'d, M> {
    let z = r * r;
    let sin = (r * z).fma(polynomial_f32(z, &SIN_F32), r);
    let cos = z.fma(polynomial_f32(z, &COS_F32), -0.5).fma(z, 1.0);
    let wave = (quarter & 1).equals(1).select(cos, sin);
    flip_f32(wave, ((quarter & 2) << 30) ^ sign)
}

/// `r + low` and the quarter turn, of `|x|`.
struct Reduced<'d, M: Machine> {
    r: F64<'d, M>,
    low: F64<'d, M>,
    quarter: I64<'d, M>,
}

/// See Note [Four pieces are enough].
fn reduce_f64<M: Machine>(x: F64<'_, M>) -> Reduced<'_, M> {
    let a = x.abs();
    let (a, index) = chunk(a);
    let (first, first_low) = two_product(a, index.lookup(&DOUBLE_FIRST));
    let (second, second_low) = two_product(a, index.lookup(&DOUBLE_SECOND));
    let (third, third_low) = two_product(a, index.lookup(&DOUBLE_THIRD));
    let fourth = a.fma(index.lookup(&DOUBLE_FOURTH), third_low);

    let (sum, rest) = two_sum(modulo_four(first), modulo_four(first_low));
    let (sum, rest_2) = two_sum(sum, modulo_four(second));
    let (rest, rest_low) = two_sum(rest, rest_2);
    let (middle, middle_low) = two_sum(second_low, third);
    let turn = ExponentF64::nearest(sum, 1.0);
    let (f, f_low) = two_sum(sum - turn.number(), middle);
    let (f, f_low_2) = two_sum(f, rest);
    let low = (f_low + f_low_2) + ((middle_low + rest_low) + fourth);
    let (f, low) = fast_two_sum(f, low);

    let (r, r_low) = two_product(f, f.constant(FRAC_PI_2));
    // Zero for a finite argument, NaN for an infinite one.
    let poison = x * 0.0;
    let r_low = f.fma(FRAC_PI_2_REST, low.fma(FRAC_PI_2, r_low));
    let (r, low) = fast_two_sum(r + poison, r_low);
    Reduced { r, low, quarter: turn.bits() }
}

/// The table's index for `a`, and `a` divided by the power of two that the table's entry was multiplied by.
fn chunk<'d, M: Machine>(a: F64<'d, M>) -> (F64<'d, M>, I64<'d, M>) {
    let bits = a.bits();
    let index = (bits + (1 << 52)) >> 57;
    let index = a.less(1.0).select(index.constant(0), index - 32);
    ((bits - (index << 57)).float(), index)
}

/// What is left of a float after the nearest multiple of four, exactly.
fn modulo_four<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    (x * 0.25).round_even().fma(-4.0, x)
}

fn is_odd<'d, M: Machine>(quarter: I64<'d, M>) -> Mask<'d, M> {
    (quarter & 1).equals(1)
}

/// Sine of `r + low`, or cosine where the quarter is odd; the second half of the turn and the sign flip it.
fn wave_f64<'d, M: Machine>(
    reduced: &Reduced<'d, M>,
    quarter: I64<'d, M>,
    sign: I64<'d, M>,
) -> F64<'d, M> {
    let (sin, sin_low) = sin_terms(reduced);
    let (cos, cos_low) = cos_terms(reduced);
    let odd = is_odd(quarter);
    let wave = odd.select(cos, sin) + odd.select(cos_low, sin_low);
    flip_f64(wave, ((quarter & 2) << 62) ^ sign)
}

/// `sin(r + low)` as `r` and the small rest; `sin' = cos` is near `1 - r²/2`.
fn sin_terms<'d, M: Machine>(reduced: &Reduced<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    let Reduced { r, low, .. } = *reduced;
    let z = r * r;
    let slope = z.fma(-0.5, 1.0);
    (r, (r * z).fma(polynomial_f64(z, &SIN_F64), low * slope))
}

/// `cos(r + low)` as `1 - r²/2` rounded and the small rest; `cos' = - sin` is near `-r`.
fn cos_terms<'d, M: Machine>(reduced: &Reduced<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    let Reduced { r, low, .. } = *reduced;
    let (z, z_low) = two_product(r, r);
    let head = z.fma(-0.5, 1.0);
    let lost = z.fma(-0.5, 1.0 - head) - z_low * 0.5;
    (head, (z * z).fma(polynomial_f64(z, &COS_F64), lost - r * low))
}

fn sin_parts<'d, M: Machine>(reduced: &Reduced<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    let (high, low) = sin_terms(reduced);
    fast_two_sum(high, low)
}

fn cos_parts<'d, M: Machine>(reduced: &Reduced<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    let (high, low) = cos_terms(reduced);
    fast_two_sum(high, low)
}

// Note [Four pieces are enough]
// -----------------------------
// The double closest to a multiple of π/2 is away from it by about 2^-62 quarter turns, so the fraction
// is wanted to 2^-120.
// The argument is a times a power of two that a table entry has absorbed, a < 2^32, and the entry is below
// 2^54: its four pieces reach down to 2^-158, and the product of the last with a is rounded below 2^-120.
// The first product and the two numbers below it reach above four and are taken modulo four, exactly;
// the sum of what is left is below seven, so its nearest integer is the quarter turn, and whatever is
// further down (2^-19 and less) may carry the fraction a little past one half, which the polynomials allow.
