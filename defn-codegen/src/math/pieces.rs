//! The pieces that several families share.
//!
//! In:  values of a machine.   Out: polynomials, exact sums, signs, bounds and powers of two.
//!
//! Never here: anything with an approximation error of its own.

use super::machine::Machine;
use super::value::{F32, F64, I32, I64};

/// `c[0] + c[1] x + c[2] x² + ...`, from the highest power down.
pub(super) fn polynomial_f32<'d, M: Machine>(x: F32<'d, M>, coefficients: &[f32]) -> F32<'d, M> {
    let (last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
    rest.iter().rev().fold(x.constant(*last), |sum, &c| sum.fma(x, c))
}

/// `c[0] + c[1] x + c[2] x² + ...`, from the highest power down.
pub(super) fn polynomial_f64<'d, M: Machine>(x: F64<'d, M>, coefficients: &[f64]) -> F64<'d, M> {
    let (last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
    rest.iter().rev().fold(x.constant(*last), |sum, &c| sum.fma(x, c))
}

/// `x`, or the bound that it passes; NaN stays.
pub(super) fn clamp_f32<M: Machine>(x: F32<'_, M>, low: f32, high: f32) -> F32<'_, M> {
    let x = x.less(low).select(x.constant(low), x);
    x.constant(high).less(x).select(x.constant(high), x)
}

/// `x`, or the bound that it passes; NaN stays.
pub(super) fn clamp_f64<M: Machine>(x: F64<'_, M>, low: f64, high: f64) -> F64<'_, M> {
    at_most_f64(x.less(low).select(x.constant(low), x), high)
}

/// `x`, or the bound above that it passes; NaN stays.
pub(super) fn at_most_f32<M: Machine>(x: F32<'_, M>, high: f32) -> F32<'_, M> {
    x.constant(high).less(x).select(x.constant(high), x)
}

/// `x`, or the bound above that it passes; NaN stays.
pub(super) fn at_most_f64<M: Machine>(x: F64<'_, M>, high: f64) -> F64<'_, M> {
    x.constant(high).less(x).select(x.constant(high), x)
}

/// The sign bit alone.
pub(super) fn sign_f32<M: Machine>(x: F32<'_, M>) -> I32<'_, M> {
    x.bits() & i32::MIN
}

/// The sign bit alone.
pub(super) fn sign_f64<M: Machine>(x: F64<'_, M>) -> I64<'_, M> {
    x.bits() & i64::MIN
}

/// `x` with its sign flipped where the sign bit is set.
pub(super) fn flip_f32<'d, M: Machine>(x: F32<'d, M>, sign: I32<'d, M>) -> F32<'d, M> {
    (x.bits() ^ sign).float()
}

/// `x` with its sign flipped where the sign bit is set.
pub(super) fn flip_f64<'d, M: Machine>(x: F64<'d, M>, sign: I64<'d, M>) -> F64<'d, M> {
    (x.bits() ^ sign).float()
}

/// The rounded sum and what the rounding lost, for any two numbers (Knuth).
pub(super) fn two_sum<'d, M: Machine>(a: F64<'d, M>, b: F64<'d, M>) -> (F64<'d, M>, F64<'d, M>) {
    let sum = a + b;
    let from_b = sum - a;
    let from_a = sum - from_b;
    (sum, (a - from_a) + (b - from_b))
}

/// The rounded sum and what the rounding lost, where `|a| >= |b|` or `a` is zero (Dekker).
pub(super) fn fast_two_sum<'d, M: Machine>(
    a: F64<'d, M>,
    b: F64<'d, M>,
) -> (F64<'d, M>, F64<'d, M>) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// The rounded product and what the rounding lost.
pub(super) fn two_product<'d, M: Machine>(
    a: F64<'d, M>,
    b: F64<'d, M>,
) -> (F64<'d, M>, F64<'d, M>) {
    let product = a * b;
    (product, a.fma(b, -product))
}

/// `1.5 · 2²⁰ + 254`: adding it leaves the nearest eighth, twice biased, in the low bits.
const ROUND_F32: f32 = 1_573_118.0;

/// `1.5 · 2⁵² + 2046`: adding it leaves the nearest integer, twice biased, in the low bits.
const ROUND_F64: f64 = 6_755_399_441_057_790.0;

/// A multiple of one eighth near a float, `k + j/8`, ready to be an exponent. See Note [Powers of two in two steps].
pub(super) struct ExponentF32<'d, M: Machine> {
    shifted: F32<'d, M>,
}

impl<'d, M: Machine> ExponentF32<'d, M> {
    /// The eighth nearest to `x * scale`.
    pub(super) fn nearest(x: F32<'d, M>, scale: f32) -> Self {
        ExponentF32 { shifted: x.fma(scale, ROUND_F32) }
    }

    /// `k + j/8` as a float.
    pub(super) fn number(&self) -> F32<'d, M> {
        self.shifted - ROUND_F32
    }

    /// The entry `j` of a table.
    pub(super) fn eighth(&self, table: &'static [f32; 8]) -> F32<'d, M> {
        self.shifted.bits().choose(table)
    }

    /// `x * 2^k` for `-254 <= k <= 254`, rounded once if `x` is near one.
    pub(super) fn scale(&self, x: F32<'d, M>) -> F32<'d, M> {
        if let Some(scaled) = x.scale_at_once(self.number()) {
            return scaled;
        }
        let bits = self.shifted.bits() >> 3;
        let half = bits >> 1;
        let rest = bits - half;
        x * (half << 23).float() * (rest << 23).float()
    }

    /// `2^-k` for `-126 <= k <= 126`.
    pub(super) fn inverse(&self) -> F32<'d, M> {
        let bits = (self.shifted.bits() >> 3) << 23;
        // The low bits hold k + 254, the exponent shall be 127 - k.
        (bits.constant((127 + 254) << 23) - bits).float()
    }
}

/// An integer `k` near a float, ready to be an exponent. See Note [Powers of two in two steps].
pub(super) struct ExponentF64<'d, M: Machine> {
    shifted: F64<'d, M>,
}

impl<'d, M: Machine> ExponentF64<'d, M> {
    /// The integer nearest to `x * scale`.
    pub(super) fn nearest(x: F64<'d, M>, scale: f64) -> Self {
        ExponentF64 { shifted: x.fma(scale, ROUND_F64) }
    }

    /// `k` as a float.
    pub(super) fn number(&self) -> F64<'d, M> {
        self.shifted - ROUND_F64
    }

    /// The two factors of `2^k`, each a normal number, for `-2046 <= k <= 2046`.
    pub(super) fn halves(&self) -> (F64<'d, M>, F64<'d, M>) {
        let bits = self.shifted.bits();
        let half = bits >> 1;
        let rest = bits - half;
        ((half << 52).float(), (rest << 52).float())
    }

    /// `x * 2^k` for `-2046 <= k <= 2046`, rounded once if `x` is near one.
    pub(super) fn scale(&self, x: F64<'d, M>) -> F64<'d, M> {
        if let Some(scaled) = x.scale_at_once(self.number()) {
            return scaled;
        }
        let (half, rest) = self.halves();
        x * half * rest
    }

    /// `2^(k - less)` where that is a normal number.
    pub(super) fn power(&self, less: i64) -> F64<'d, M> {
        ((self.shifted.bits() - (1023 + less)) << 52).float()
    }

    /// `k` in the low bits, where it is between 0 and 3 modulo 4.
    pub(super) fn bits(&self) -> I64<'d, M> {
        self.shifted.bits() - 2046
    }
}

// Note [Powers of two in two steps]
// ---------------------------------
// Past 2^23 (2^52) floats are integers, so adding 1.5 · 2^23 to x rounds x to an integer k and leaves k in
// the low bits of the pattern, with no conversion that could leave its range; a NaN stays a NaN and its
// integer is used only as a factor of another NaN.
// For f32 the summand is 1.5 · 2^20 instead, so that three bits of a fraction stay below the integer, for tables of eighths.
// The extra summand is twice the exponent bias b: the low bits hold k + 2b, whose halves h and r, shifted
// into the exponent, are the powers 2^(h-b) and 2^(r-b) with the product 2^k.
// Both stay normal numbers although k reaches below the least normal exponent and above the greatest, and
// the bits of the constant above the exponent's width fall off at the left.
