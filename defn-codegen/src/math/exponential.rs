//! exp, exp2, expm1, sinh, cosh, sigmoid.
//!
//! In:  any `x`.   Out: the function at `x`, overflow to infinity and gradual underflow included.
//!
//! ```text
//! x = k ln 2 + r,  |r| <= ln 2 / 2                  e^x = 2^k (1 + r + r² Q(r))
//! x = (k + j/8) ln 2 + r,  |r| <= ln 2 / 16         e^x = 2^k (T + (T (r + r² Q(r)) + L)),  T + L = 2^(j/8)
//! ```
//!
//! The second line is that of `f32`: a table of eighths is one permutation of a register, and the polynomial is short.
//! The exponential itself is hot and does without `L`: at most a third of a unit, for two operations of thirteen.
//! Where one is subtracted from the power, the subtraction meets `T` alone and is exact.
//! The `f64` functions keep `r` and `e^r` as a float and a small correction where a later step cancels.
//! Functions of an odd kind take a polynomial of their own near zero.
//! The `f32` functions that are seldom hot (sinh, cosh) go through a short `f64` kernel.

use super::machine::Machine;
use super::pieces::{
    ExponentF32, ExponentF64, at_most_f32, at_most_f64, clamp_f32, clamp_f64, fast_two_sum,
    flip_f32, flip_f64, polynomial_f32, polynomial_f64, sign_f32, sign_f64,
};
use super::value::{F32, F64};
use std::f64::consts::{LN_2, LOG2_E};

/// `LN_2` and its remainder; the product of the head and any `k` here is exact in an fma.
const LN_2_REST: f64 = 2.3190468138462996e-17;
const LN_2_F32: f32 = std::f32::consts::LN_2;
const LN_2_REST_F32: f32 = -1.904_654_2e-9;

/// `2^(j/8)` as the nearest float.
const EIGHTHS: [f32; 8] = [
    1.0,
    1.090_507_7,
    1.189_207_1,
    1.296_839_6,
    std::f32::consts::SQRT_2,
    1.542_210_8,
    1.681_792_9,
    1.834_008_1,
];

/// What [`EIGHTHS`] lacks.
const EIGHTHS_REST: [f32; 8] = [
    0.0,
    -1.307_754e-8,
    3.797_635_3e-8,
    -4.018_999_5e-8,
    2.420_323_5e-8,
    8.070_905e-9,
    -2.475_532_7e-8,
    -1.123_927_8e-8,
];

/// What [`EIGHTHS`] lacks, and the constant by which [`EXP_CLOSE`] is nearer to the power than without one.
const EIGHTHS_REST_EXP: [f32; 8] = [
    -1.886_542_5e-8,
    -3.365_043_4e-8,
    1.554_145_6e-8,
    -6.465_542_4e-8,
    -2.476_506e-9,
    -2.102_355_8e-8,
    -5.648_306_4e-8,
    -4.583_862_2e-8,
];

/// The same for [`EXP2_F32`].
const EIGHTHS_REST_EXP2: [f32; 8] = [
    -1.833_824_1e-8,
    -3.307_553_3e-8,
    1.616_838_6e-8,
    -6.397_175_4e-8,
    -1.730_956e-9,
    -2.021_053e-8,
    -5.559_645_2e-8,
    -4.487_176e-8,
];

/// `(e^r - 1 - r) / r²` for an eighth, relative error of `e^r` below 2^-25, and such that the sum with [`EIGHTHS`] alone is nearest.
const EXP_F32: [f32; 2] = [5.000_64e-1, 1.667e-1];

/// `(e^r - c - r) / r²` for an eighth, relative error of `e^r` below 2^-25.
const EXP_CLOSE: [f32; 2] = [5.000_793_3e-1, 1.666_945_7e-1];

/// `(e^r - 1 - r) / r²` for an eighth, relative error of `e^r - 1` below 2^-27.
const EXPM1_F32: [f32; 3] = [0.5, 1.666_796_5e-1, 4.166_569e-2];

/// `(2^r - c) / r` for an eighth, relative error of `2^r` below 2^-25.
const EXP2_F32: [f32; 3] = [6.931_472e-1, 2.402_640_7e-1, 5.549_89e-2];

/// `(e^r - 1 - r) / r²`, relative error of `e^r` below 2^-33: enough for a result in `f32`.
const EXP_SHORT: [f64; 6] = [
    0.5000000067813073,
    0.1666666371975895,
    0.04166628573339747,
    0.008334036577203127,
    0.0013945575532549454,
    0.00019478861505254272,
];

/// `(e^r - 1 - r) / r²`, relative error of `e^r` below 2^-57.
const EXP_F64: [f64; 10] = [
    0.5000000000000011,
    0.1666666666666622,
    0.0416666666665232,
    0.008333333333629036,
    0.001388888894600233,
    0.00019841269196244326,
    2.480149021330705e-05,
    2.7557877933988204e-06,
    2.763139908612402e-07,
    2.4903844266995835e-08,
];

/// `(2^r - 1 - r ln 2) / r²`, relative error of `2^r` below 2^-57.
const EXP2_F64: [f64; 10] = [
    0.24022650695910122,
    0.05550410866481873,
    0.00961812910759588,
    0.0013333558147355137,
    0.00015403530456359557,
    1.5252732808632847e-05,
    1.321543516805318e-06,
    1.0178515782129342e-07,
    7.073861990542021e-09,
    4.384191917666369e-10,
];

/// A little more than `ln 2 / 16`.
const REST_BOUND: f32 = 0.05;

/// `(sinh x - x) / x³` in `x²` for `|x| <= 1`, to 2^-34 and 2^-61.
const SINH_SHORT: [f64; 4] =
    [0.16666666488828555, 0.008333350590613933, 0.0001983606708985123, 2.8174381709631634e-06];
const SINH_F64: [f64; 7] = [
    0.16666666666666669,
    0.008333333333332913,
    0.0001984126984159126,
    2.755731910764043e-06,
    2.5052130838635436e-08,
    1.6056672365032567e-10,
    7.776196176097676e-13,
];

pub(super) fn exp_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let eighths = reduce_any(x);
    let head = eighths.exponent.eighth(&EIGHTHS);
    eighths.exponent.scale(head.fma(eighths.exp(&EXP_F32), head))
}

/// The same within nine tenths of a unit, for functions that add errors of their own.
fn exp_close<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let eighths = reduce_any(x);
    eighths.exponent.scale(eighths.near_one(eighths.exp(&EXP_CLOSE), &EIGHTHS_REST_EXP))
}

pub(super) fn exp_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce(clamp_f64(x, -746.0, 710.0), &EXP_F64);
    reduced.exponent.scale(1.0 + (reduced.r + reduced.c))
}

pub(super) fn exp2_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let x = clamp_f32(x, -151.0, 129.0);
    let exponent = ExponentF32::nearest(x, 1.0);
    let r = x - exponent.number();
    let p = r * polynomial_f32(r, &EXP2_F32);
    let eighths = Eighths { exponent, r };
    eighths.exponent.scale(eighths.near_one(p, &EIGHTHS_REST_EXP2))
}

pub(super) fn exp2_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let x = clamp_f64(x, -1076.0, 1025.0);
    exp2_sum_f64(x, x.constant(0.0))
}

/// From 2^64 on, one is nothing.
pub(super) fn expm1_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let eighths = reduce_eighths(clamp_f32(x, -20.0, 89.0));
    let inverse = x.less(45.0).select(eighths.exponent.inverse(), 0.0);
    let result = eighths.exponent.scale(eighths.less(inverse));
    // The sign of a zero is lost in the sum.
    x.equals(0.0).select(x, result)
}

/// The head of the sum is rounded with the power, so the tail can be added to a result of full precision.
pub(super) fn expm1_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce(clamp_f64(x, -50.0, 710.0), &EXP_F64);
    let half = reduced.exponent.power(1);
    let head = half.fma(reduced.r, half - 0.5);
    let result = half.fma(reduced.c, head) * 2.0;
    x.abs().less(f64::EPSILON / 4.0).select(x, result)
}

pub(super) fn sinh_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = at_most_f32(x.abs(), 90.0).widen();
    let z = a * a;
    let small = (a * z).fma(polynomial_f64(z, &SINH_SHORT), a);
    let power = exp_short(a);
    let large = power * 0.5 - 0.5 / power;
    flip_f32(a.less(1.0).select(small, large).narrow(), sign_f32(x))
}

pub(super) fn sinh_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = at_most_f64(x.abs(), 711.0);
    let z = a * a;
    let small = (a * z).fma(polynomial_f64(z, &SINH_F64), a);
    let (half, rest) = half_exp(a);
    let large = half + (rest - 0.25 / half);
    flip_f64(a.less(1.0).select(small, large), sign_f64(x))
}

pub(super) fn cosh_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let power = exp_short(at_most_f32(x.abs(), 90.0).widen());
    (power * 0.5 + 0.5 / power).narrow()
}

pub(super) fn cosh_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let (half, rest) = half_exp(at_most_f64(x.abs(), 711.0));
    half + (rest + 0.25 / half)
}

/// Past the bound above, the power is so large that the quotient is one.
pub(super) fn sigmoid_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let power = exp_close(at_most_f32(x, 40.0));
    share(power)
}

/// `part / (1 + part)`. The correction takes back the roundings of the sum and of the quotient, which would add up to two ULP.
/// What the sum's rounding lost is exact, however large the part is: the sum less one loses nothing.
fn share<M: Machine>(part: F32<'_, M>) -> F32<'_, M> {
    let whole = 1.0 + part;
    let lost = part - (whole - 1.0);
    let inverse = 1.0 / whole;
    let quotient = part * inverse;
    let remainder = (-quotient).fma(lost, (-quotient).fma(whole, part));
    remainder.fma(inverse, quotient)
}

/// The quotient of two double-doubles, with one step of correction.
pub(super) fn sigmoid_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce(-at_most_f64(x.abs(), 746.0), &EXP_F64);
    let (high, low) = reduced.sum();
    let (first, second) = reduced.exponent.halves();
    let (high, low) = (high * first * second, low * first * second);
    let bottom = 1.0 + high;
    let bottom_low = ((1.0 - bottom) + high) + low;
    let negative = x.less(0.0);
    let top = negative.select(high, 1.0);
    let top_low = negative.select(low, 0.0);
    let inverse = 1.0 / bottom;
    let quotient = top * inverse;
    let remainder = (-quotient).fma(bottom, top) + (top_low - quotient * bottom_low);
    remainder.fma(inverse, quotient)
}

/// `e^x` for `|x| < 700`, within one ULP.
pub(super) fn exp_moderate<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce(x, &EXP_F64);
    (1.0 + (reduced.r + reduced.c)) * reduced.exponent.power(0)
}

/// `2^(high + low)`; the low part is below an ULP of the high one, which is in `-1076 ..= 1025`.
pub(super) fn exp2_sum_f64<'d, M: Machine>(high: F64<'d, M>, low: F64<'d, M>) -> F64<'d, M> {
    let exponent = ExponentF64::nearest(high, 1.0);
    let head = high - exponent.number();
    let r = head + low;
    let rest = (head - r) + low;
    let tail = r.fma(LN_2_REST, rest * LN_2);
    let c = (r * r).fma(polynomial_f64(r, &EXP2_F64), tail);
    exponent.scale(r.fma(LN_2, c) + 1.0)
}

/// `2^x` with an error of 2^-33, for `|x| <= 1000`.
pub(super) fn exp2_short<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let exponent = ExponentF64::nearest(x, 1.0);
    let r = (x - exponent.number()) * LN_2;
    let c = r * r * polynomial_f64(r, &EXP_SHORT);
    (1.0 + (r + c)) * exponent.power(0)
}

/// `x = (k + j/8) ln 2 + r`.
struct Eighths<'d, M: Machine> {
    exponent: ExponentF32<'d, M>,
    r: F32<'d, M>,
}

impl<'d, M: Machine> Eighths<'d, M> {
    /// `2^(j/8) (1 + p)`, where the rest may carry more than what the table lacks.
    fn near_one(&self, p: F32<'d, M>, rest: &'static [f32; 8]) -> F32<'d, M> {
        let head = self.exponent.eighth(&EIGHTHS);
        head + head.fma(p, self.exponent.eighth(rest))
    }

    /// `e^r`, less one and the constant that the table carries, if any.
    fn exp(&self, coefficients: &[f32; 2]) -> F32<'d, M> {
        (self.r * self.r).fma(self.r.fma(coefficients[1], coefficients[0]), self.r)
    }

    /// `e^x / 2^k - one`, where `one` is a power of two, or none of consequence.
    fn less(&self, one: F32<'d, M>) -> F32<'d, M> {
        let (head, tail) = self.parts();
        (head - one) + tail
    }

    /// `e^x / 2^k` as the table's entry and the rest.
    fn parts(&self) -> (F32<'d, M>, F32<'d, M>) {
        let head = self.exponent.eighth(&EIGHTHS);
        let q = polynomial_f32(self.r, &EXPM1_F32);
        let p = (self.r * self.r).fma(q, self.r);
        (head, head.fma(p, self.exponent.eighth(&EIGHTHS_REST)))
    }
}

/// For any `x`, if the exponent is used to scale.
/// Where a machine scales by every exponent, only the rest must be kept a number: whatever it is, the power of a large exponent is
/// infinity or zero. That is one operation instead of two.
fn reduce_any<M: Machine>(x: F32<'_, M>) -> Eighths<'_, M> {
    if !x.bounds_at_once() {
        return reduce_eighths(clamp_f32(x, -104.0, 89.0));
    }
    let wide = reduce_eighths(x);
    Eighths { r: wide.r.bound_at_once(REST_BOUND), ..wide }
}

/// For `x` in the range of `f32`; the product with the first part of `ln 2` leaves an exact difference.
fn reduce_eighths<M: Machine>(x: F32<'_, M>) -> Eighths<'_, M> {
    let exponent = ExponentF32::nearest(x, LOG2_E as f32);
    let minus = -exponent.number();
    let r = minus.fma(LN_2_REST_F32, minus.fma(LN_2_F32, x));
    Eighths { exponent, r }
}

/// `e^x` with an error of 2^-33, for `x` in the range of `f32`.
fn exp_short<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let reduced = reduce_short(x);
    (1.0 + (reduced.r + reduced.c)) * reduced.exponent.power(0)
}

/// `e^x = 2^k (1 + r + c)` with `c` small beside `r`.
struct Reduced<'d, M: Machine> {
    exponent: ExponentF64<'d, M>,
    r: F64<'d, M>,
    c: F64<'d, M>,
}

impl<'d, M: Machine> Reduced<'d, M> {
    /// `1 + r + c` as the nearest float and its correction.
    fn sum(&self) -> (F64<'d, M>, F64<'d, M>) {
        let (high, low) = fast_two_sum(self.r.constant(1.0), self.r);
        fast_two_sum(high, low + self.c)
    }
}

fn reduce<'d, M: Machine>(x: F64<'d, M>, coefficients: &[f64]) -> Reduced<'d, M> {
    let exponent = ExponentF64::nearest(x, LOG2_E);
    let minus_k = -exponent.number();
    let head = minus_k.fma(LN_2, x);
    let r = minus_k.fma(LN_2_REST, head);
    let rest = minus_k.fma(LN_2_REST, head - r);
    let c = (r * r).fma(polynomial_f64(r, coefficients), rest);
    Reduced { exponent, r, c }
}

/// One constant is enough where only 2^-33 is asked.
fn reduce_short<M: Machine>(x: F64<'_, M>) -> Reduced<'_, M> {
    let exponent = ExponentF64::nearest(x, LOG2_E);
    let r = (-exponent.number()).fma(LN_2, x);
    let c = r * r * polynomial_f64(r, &EXP_SHORT);
    Reduced { exponent, r, c }
}

/// `e^x / 2` as a float and its correction.
fn half_exp<M: Machine>(x: F64<'_, M>) -> (F64<'_, M>, F64<'_, M>) {
    let reduced = reduce(x, &EXP_F64);
    let (high, low) = reduced.sum();
    let (first, second) = reduced.exponent.halves();
    (high * 0.5 * first * second, low * 0.5 * first * second)
}
