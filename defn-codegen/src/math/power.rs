//! pow, cbrt, rsqrt.
//!
//! In:  any `x` (and `y`).   Out: the function, with the special values of C's `pow`.
//!
//! ```text
//! x^y = 2^(y log2 |x|), and the sign of x where y is an odd integer
//! ```
//!
//! An error of `log2` is multiplied by up to 1100, so `f64` carries the logarithm and the product as a
//! float and a correction, to about 2^-66; `f32` computes in `f64`.

use super::exponential::{exp2_short, exp2_sum_f64};
use super::logarithm::{log2_middle, split_f64};
use super::machine::Machine;
use super::pieces::{
    ExponentF64, clamp_f64, fast_two_sum, flip_f64, polynomial_f64, sign_f64, two_product,
};
use super::value::{F32, F64, Mask};
use std::f64::consts::LOG2_E;

/// What `LOG2_E` lacks.
const LOG2_E_REST: f64 = 2.0355273740931033e-17;

/// `2/3` in two parts, and the series of `log((1 + s) / (1 - s)) / s` from `s⁴` on, in `s²`, to 2^-72.
const TWO_THIRDS: f64 = 0.6666666666666666;
const TWO_THIRDS_REST: f64 = 3.700743415417188e-17;
const LOG_TAIL: [f64; 8] = [
    0.39999999999999974,
    0.28571428571447044,
    0.22222222217070137,
    0.18181818927103754,
    0.15384553026045328,
    0.13336464210300236,
    0.11671861933421104,
    0.1201344138027877,
];

/// The cube root on `1 ..= 2`, to 2^-22: one step of Halley gives 2^-66.
const CBRT: [f64; 7] = [
    0.44714128359883837,
    0.9500995675659001,
    -0.6661784682006994,
    0.3853645821537309,
    -0.14447151072850747,
    0.030904377395939698,
    -0.002859660531386717,
];
const CBRT_OF_TWO: f64 = 1.2599210498948732;
const CBRT_OF_HALF: f64 = 0.7937005259840998;

pub(super) fn rsqrt_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    1.0 / x.sqrt()
}

pub(super) fn rsqrt_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    1.0 / x.sqrt()
}

pub(super) fn cbrt_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    cbrt_f64(x.widen()).narrow()
}

/// `|x| = 2^(3k) a` with `a` between 1/2 and 4; the polynomial starts, Halley's step ends.
pub(super) fn cbrt_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let (exponent, f) = split_f64(x.abs());
    let third = ExponentF64::nearest(exponent, 1.0 / 3.0);
    let remainder = third.number().fma(-3.0, exponent);
    let mantissa = f + 1.0;
    // The split leaves a mantissa from √½ to √2; twice a small one is inside of the polynomial's interval.
    let low = mantissa.less(1.0);
    let m = low.select(mantissa + mantissa, mantissa);
    let remainder = low.select(remainder - 1.0, remainder);
    let one = x.constant(1.0);
    let root = remainder.less(0.0).select(x.constant(CBRT_OF_HALF), one);
    let root = remainder.less(-1.0).select(x.constant(CBRT_OF_HALF * CBRT_OF_HALF), root);
    let start = polynomial_f64(m, &CBRT)
        * x.constant(0.0).less(remainder).select(x.constant(CBRT_OF_TWO), root);
    let a = m * power_of_remainder(remainder);
    let (square, square_low) = two_product(start, start);
    let excess = square.fma(start, -a) + square_low * start;
    let result = start - start * excess / (square + square).fma(start, a);
    let result = flip_f64(result * third.power(0), sign_f64(x));
    let ordinary = !x.equals(0.0) & x.abs().less(f64::INFINITY);
    ordinary.select(result, x)
}

/// `2^remainder` for a remainder from -2 to 1.
fn power_of_remainder<M: Machine>(remainder: F64<'_, M>) -> F64<'_, M> {
    ExponentF64::nearest(remainder, 1.0).power(0)
}

pub(super) fn pow_f32<'d, M: Machine>(x: F32<'d, M>, y: F32<'d, M>) -> F32<'d, M> {
    let (x, y) = (x.widen(), y.widen());
    let product = clamp_f64(y * log2_middle(x.abs()), -1000.0, 1000.0);
    special(x, y, exp2_short(product)).narrow()
}

pub(super) fn pow_f64<'d, M: Machine>(x: F64<'d, M>, y: F64<'d, M>) -> F64<'d, M> {
    let (log, log_low) = log2_parts(x.abs());
    // From the bound on, the power of any base but one is beyond all floats; its product stays finite.
    let finite = clamp_f64(y, -1e20, 1e20);
    let (product, product_low) = two_product(finite, log);
    let low = finite.fma(log_low, product_low);
    let (high, low) = fast_two_sum(product, low);
    let bounded = clamp_f64(high, -1076.0, 1025.0);
    // Past the bounds the correction has no meaning.
    let low = bounded.equals(high).select(low, 0.0);
    special(x, y, exp2_sum_f64(bounded, low))
}

/// `log2 x` of a positive finite `x` as a float and its correction, to about 2^-66.
fn log2_parts<M: Machine>(x: F64<'_, M>) -> (F64<'_, M>, F64<'_, M>) {
    let (k, f) = split_f64(x);
    let (log, log_low) = log1p_parts(f);
    let (product, product_low) = two_product(log, log.constant(LOG2_E));
    let product_low = log.fma(LOG2_E_REST, log_low.fma(LOG2_E, product_low));
    let (sum, sum_low) = fast_two_sum(k, product);
    fast_two_sum(sum, sum_low + product_low)
}

/// `log(1 + f) = 2 s + s z (2/3 + z Q(z))`, `s = f / (2 + f)`, `z = s²`, all but `Q` in two parts.
fn log1p_parts<M: Machine>(f: F64<'_, M>) -> (F64<'_, M>, F64<'_, M>) {
    let (bottom, bottom_low) = fast_two_sum(f.constant(2.0), f);
    let inverse = 1.0 / bottom;
    let s = f * inverse;
    let s_low = ((-s).fma(bottom, f) - s * bottom_low) * inverse;
    let (z, z_low) = two_product(s, s);
    let z_low = s.fma(s_low + s_low, z_low);
    let tail = z * polynomial_f64(z, &LOG_TAIL);
    let (t, t_low) = fast_two_sum(f.constant(TWO_THIRDS), tail);
    let t_low = t_low + TWO_THIRDS_REST;
    let (u, u_low) = two_product(z, t);
    let u_low = z.fma(t_low, z_low.fma(t, u_low));
    let (v, v_low) = two_product(s, u);
    let v_low = s.fma(u_low, s_low.fma(u, v_low));
    let (sum, sum_low) = fast_two_sum(s + s, v);
    (sum, sum_low + (v_low + (s_low + s_low)))
}

/// Puts the special values over `magnitude`, which is `|x|^y` for finite `y` and positive finite `x`.
fn special<'d, M: Machine>(x: F64<'d, M>, y: F64<'d, M>, magnitude: F64<'d, M>) -> F64<'d, M> {
    let a = x.abs();
    let (zero, one) = (x.constant(0.0), x.constant(1.0));
    let infinity = x.constant(f64::INFINITY);
    let rising = zero.less(y);
    // An infinite exponent, or a base of zero or infinity: towards zero or towards infinity.
    let endless = y.abs().equals(f64::INFINITY);
    let large = one.less(a);
    let grows = (large & rising) | !(large | rising);
    let extreme = grows.select(infinity, zero);
    let outside = endless | a.equals(0.0) | a.equals(f64::INFINITY);
    let result = outside.select(extreme, magnitude);
    // Minus infinity and minus zero keep their sign under an odd exponent; other negative bases need an integer.
    let odd = is_odd(y);
    let negative = x.bits().less(0);
    let result = (negative & odd).select(-result, result);
    let undefined = x.less(0.0) & !(is_integer(y) | endless) & a.less(f64::INFINITY);
    let result = undefined.select(x.constant(f64::NAN), result);
    let result = (x.equals(-1.0) & endless).select(one, result);
    let ordered = x.equals(x) & y.equals(y);
    let result = ordered.select(result, x + y);
    (y.equals(0.0) | x.equals(1.0)).select(one, result)
}

fn is_integer<'d, M: Machine>(y: F64<'d, M>) -> Mask<'d, M> {
    y.round_even().equals(y)
}

/// Half of an odd integer is not an integer, but its double is; large floats are even.
fn is_odd<'d, M: Machine>(y: F64<'d, M>) -> Mask<'d, M> {
    is_integer(y) & !is_integer(y * 0.5)
}
