//! asin, acos, atan, atan2.
//!
//! In:  any `x` (and `y`).   Out: the angle; NaN outside of the domain.
//!
//! ```text
//! asin x = x + x³ Q(x²)              |x| <  1/2
//! asin x = π/2 - 2 asin √((1-x)/2)   else, by the same polynomial
//! atan2(y, x): the smaller of |x|, |y| over the larger, less π/4 where it is above tan π/8
//! ```
//!
//! The `f32` functions run the same plan in `f64` with shorter polynomials and without corrections.

use super::machine::Machine;
use super::pieces::{
    at_most_f64, fast_two_sum, flip_f32, flip_f64, polynomial_f64, sign_f32, sign_f64,
};
use super::value::{F32, F64, Mask};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// What the constants above lack.
const FRAC_PI_2_REST: f64 = 6.123233995736766e-17;
const FRAC_PI_4_REST: f64 = 3.061616997868383e-17;
const PI_REST: f64 = 1.2246467991473532e-16;

/// `2^500`.
const TWO_TO_500: f64 = 3.273390607896142e150;

/// `tan π/8`, where the arc tangent turns by `π/4`.
const TAN_FRAC_PI_8: f64 = 0.41421356237309503;

/// `(asin x - x) / x³` in `x²` for `x² <= 1/4`, to 2^-31 and 2^-55.
const ASIN_SHORT: [f64; 6] = [
    0.16666659863019395,
    0.0750051148390973,
    0.04451560281204068,
    0.03181868094531554,
    0.014398145154085384,
    0.03757213675444226,
];
const ASIN_F64: [f64; 12] = [
    0.16666666666665375,
    0.07500000000344977,
    0.04464285682182353,
    0.030381959401620067,
    0.022371751801113813,
    0.017359797474753583,
    0.013884334898712406,
    0.012175027632832161,
    0.0065032204802475315,
    0.01959498616207456,
    -0.01632745497968205,
    0.031982058377198974,
];

/// `(atan x - x) / x³` in `x²`: to 2^-31 for `x <= 1`, and to 2^-59 for `x <= tan π/8`.
const ATAN_SHORT: [f64; 10] = [
    -0.3333332743468778,
    0.19999692684060993,
    -0.14280131962306045,
    0.110602538615418,
    -0.0881888702515635,
    0.06759667298473136,
    -0.04494786850893245,
    0.02276161114206097,
    -0.007423260295278628,
    0.0011350071992440303,
];
const ATAN_F64: [f64; 11] = [
    -0.333333333333332,
    0.19999999999953713,
    -0.14285714280203587,
    0.11111110783604607,
    -0.09090897756944583,
    0.07692060122370703,
    -0.0666310216359327,
    0.058478697968167834,
    -0.050391917432741386,
    0.03806107796122027,
    -0.01790274838487945,
];

pub(super) fn asin_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = x.abs().widen();
    let (base, rest) = half_angle(a, &ASIN_SHORT);
    let angle = base + rest;
    let angle = is_large(a).select(FRAC_PI_2 - angle * 2.0, angle);
    flip_f32(angle.narrow(), sign_f32(x))
}

pub(super) fn asin_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = x.abs();
    let (base, rest) = half_angle_exact(a);
    let twice = base + base;
    let head = FRAC_PI_2 - twice;
    let lost = (FRAC_PI_2 - head) - twice;
    let turned = head + rest.fma(-2.0, lost + FRAC_PI_2_REST);
    flip_f64(is_large(a).select(turned, base + rest), sign_f64(x))
}

/// Where `x` is large and negative, `π - 2 angle` is `π + 2 angle` as the angle has the sign of `x`.
pub(super) fn acos_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let x = x.widen();
    let a = x.abs();
    let (base, rest) = half_angle(a, &ASIN_SHORT);
    let angle = flip_f64(base + rest, sign_f64(x));
    let turned = angle.fma(2.0, x.less(0.0).select(x.constant(PI), 0.0));
    is_large(a).select(turned, FRAC_PI_2 - angle).narrow()
}

/// `offset - v`, where `v` is `x` or twice the half angle, and the offset is `π/2`, `0` or `π`.
pub(super) fn acos_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    let a = x.abs();
    let large = is_large(a);
    let negative = x.less(0.0);
    let (base, rest) = half_angle_exact(a);
    let offset = large.select(negative.select(x.constant(PI), 0.0), FRAC_PI_2);
    let offset_rest = large.select(negative.select(x.constant(PI_REST), 0.0), FRAC_PI_2_REST);
    let factor = flip_f64(large.select(x.constant(-2.0), 1.0), sign_f64(x));
    let v = base * factor;
    let head = offset - v;
    let lost = (offset - head) - v;
    head + (lost + (offset_rest - rest * factor))
}

pub(super) fn atan_f32<M: Machine>(x: F32<'_, M>) -> F32<'_, M> {
    let a = x.abs().widen();
    let steep = a.constant(1.0).less(a);
    let angle = arc_short(steep.select(1.0 / a, a));
    let angle = steep.select(FRAC_PI_2 - angle, angle);
    flip_f32(angle.narrow(), sign_f32(x))
}

pub(super) fn atan_f64<M: Machine>(x: F64<'_, M>) -> F64<'_, M> {
    // Past the bound the angle is π/2 rounded, and the reciprocal stays a normal number.
    let a = at_most_f64(x.abs(), 1e300);
    let steep = a.constant(1.0).less(a);
    let one = a.constant(1.0);
    let arc = arc(steep.select(one, a), steep.select(a, one));
    flip_f64(arc.steep(steep).sum(), sign_f64(x))
}

pub(super) fn atan2_f32<'d, M: Machine>(y: F32<'d, M>, x: F32<'d, M>) -> F32<'d, M> {
    let (wide_y, wide_x) = (y.widen(), x.widen());
    let (steep, small, large) = sort(wide_y.abs(), wide_x.abs());
    let angle = arc_short(small / large);
    let angle = steep.select(FRAC_PI_2 - angle, angle);
    let angle = is_left(wide_x).select(PI - angle, angle);
    flip_f32(angle.narrow(), sign_f32(y))
}

pub(super) fn atan2_f64<'d, M: Machine>(y: F64<'d, M>, x: F64<'d, M>) -> F64<'d, M> {
    let (steep, small, large) = sort(y.abs(), x.abs());
    // The sum of the two, the reciprocal of the larger and the rest of the quotient must be normal numbers.
    // A quotient that the scale leaves without them is zero.
    let up = large.less(1e150).select(large.constant(TWO_TO_500), 1.0);
    let scale = large.constant(1e306).less(large).select(large.constant(0.0625), up);
    let arc = arc(small * scale, large * scale);
    flip_f64(arc.steep(steep).left(is_left(x)).sum(), sign_f64(y))
}

fn is_large<'d, M: Machine>(a: F64<'d, M>) -> Mask<'d, M> {
    a.constant(0.5).at_most(a)
}

/// The sign bit is asked, for a negative zero is to the left too.
fn is_left<'d, M: Machine>(x: F64<'d, M>) -> Mask<'d, M> {
    x.bits().less(0)
}

/// Is `y > x`, the smaller and the larger; two zeros become 0 and 1, two infinities 1 and 1.
fn sort<'d, M: Machine>(y: F64<'d, M>, x: F64<'d, M>) -> (Mask<'d, M>, F64<'d, M>, F64<'d, M>) {
    let steep = x.less(y);
    let (small, large) = (steep.select(x, y), steep.select(y, x));
    let infinite = large.equals(f64::INFINITY);
    let finite_small = small.less(f64::INFINITY).select(small.constant(0.0), small);
    let limit = small.equals(f64::INFINITY).select(small.constant(1.0), finite_small);
    let plain = infinite | large.equals(0.0);
    (steep, infinite.select(limit, small), plain.select(large.constant(1.0), large))
}

/// `asin` of `a`, or where `a` is large of `√((1-a)/2)`, as a head and the small rest.
fn half_angle<'d, M: Machine>(a: F64<'d, M>, coefficients: &[f64]) -> (F64<'d, M>, F64<'d, M>) {
    let large = is_large(a);
    let z = large.select(0.5 - a * 0.5, a * a);
    let base = large.select(z.sqrt(), a);
    (base, base * z * polynomial_f64(z, coefficients))
}

/// As [`half_angle`]; what the square root lost is in the rest.
fn half_angle_exact<M: Machine>(a: F64<'_, M>) -> (F64<'_, M>, F64<'_, M>) {
    let large = is_large(a);
    let half = 0.5 - a * 0.5;
    let z = large.select(half, a * a);
    let base = large.select(z.sqrt(), a);
    let lost = large.select((-base).fma(base, half), 0.0);
    // A root is zero or above 2^-27, so the summand only keeps zero over zero away.
    let lost = lost / (base + base + f64::MIN_POSITIVE);
    (base, (base * z).fma(polynomial_f64(z, &ASIN_F64), lost))
}

fn arc_short<M: Machine>(t: F64<'_, M>) -> F64<'_, M> {
    let z = t * t;
    (t * z).fma(polynomial_f64(z, &ATAN_SHORT), t)
}

/// An angle `eighths · π/4 + head + rest`.
struct Arc<'d, M: Machine> {
    eighths: F64<'d, M>,
    head: F64<'d, M>,
    rest: F64<'d, M>,
}

/// The angle whose tangent is `small / large`, for `0 <= small <= large`.
/// The quotient keeps what it lost, so that the sum in the end is the only rounding of weight.
fn arc<'d, M: Machine>(small: F64<'d, M>, large: F64<'d, M>) -> Arc<'d, M> {
    let high = (large * TAN_FRAC_PI_8).less(small);
    let zero = small.constant(0.0);
    let (difference, difference_low) = fast_two_sum(-large, small);
    let (sum, sum_low) = fast_two_sum(large, small);
    let (top, top_low) = (high.select(difference, small), high.select(difference_low, zero));
    let (bottom, bottom_low) = (high.select(sum, large), high.select(sum_low, zero));
    let inverse = 1.0 / bottom;
    let head = top * inverse;
    let remainder = (-head).fma(bottom, top) + (top_low - head * bottom_low);
    let z = head * head;
    let rest = (head * z).fma(polynomial_f64(z, &ATAN_F64), remainder * inverse);
    Arc { eighths: high.select(zero.constant(1.0), 0.0), head, rest }
}

impl<'d, M: Machine> Arc<'d, M> {
    /// `π/2` less the angle, where asked.
    fn steep(self, mask: Mask<'d, M>) -> Self {
        self.mirrored(2.0, mask)
    }

    /// `π` less the angle, where asked.
    fn left(self, mask: Mask<'d, M>) -> Self {
        self.mirrored(4.0, mask)
    }

    fn mirrored(self, eighths: f64, mask: Mask<'d, M>) -> Self {
        Arc {
            eighths: mask.select(eighths - self.eighths, self.eighths),
            head: mask.select(-self.head, self.head),
            rest: mask.select(-self.rest, self.rest),
        }
    }

    fn sum(self) -> F64<'d, M> {
        let base = self.eighths * FRAC_PI_4;
        let base_low = self.eighths.fma(FRAC_PI_4, -base);
        let base_low = self.eighths.fma(FRAC_PI_4_REST, base_low);
        let (sum, low) = fast_two_sum(base, self.head);
        sum + (low + (base_low + self.rest))
    }
}
