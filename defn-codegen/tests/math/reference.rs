//! Exact values, and arguments to ask for them.

use core_math as exact;
use defn_codegen::math::{Function, Function2};

/// The correctly rounded function; the sigmoid is within one ULP.
pub(crate) fn unary_reference(function: Function) -> fn(f64) -> f64 {
    match function {
        Function::Exp => exact::exp,
        Function::Exp2 => exact::exp2,
        Function::Expm1 => exact::expm1,
        Function::Sinh => exact::sinh,
        Function::Cosh => exact::cosh,
        Function::Tanh => exact::tanh,
        Function::Sigmoid => sigmoid,
        Function::Log => exact::log,
        Function::Log2 => exact::log2,
        Function::Log1p => exact::log1p,
        Function::Sin => exact::sin,
        Function::Cos => exact::cos,
        Function::Tan => exact::tan,
        Function::Asin => exact::asin,
        Function::Acos => exact::acos,
        Function::Atan => exact::atan,
        Function::Cbrt => exact::cbrt,
        Function::Rsqrt => exact::rsqrt,
        Function::Erf => exact::erf,
        Function::ErfInv => erf_inv,
    }
}

/// The function of an `f32`, with more digits than an `f32` has.
pub(crate) fn unary_reference_f32(function: Function) -> impl Fn(f32) -> f64 {
    let wide = unary_reference(function);
    move |x| wide(f64::from(x))
}

/// The correctly rounded function.
pub(crate) fn binary_reference(function: Function2) -> fn(f64, f64) -> f64 {
    match function {
        Function2::Atan2 => exact::atan2,
        Function2::Pow => exact::pow,
    }
}

/// One rounding of the power and one of the quotient; the sum keeps its rest.
fn sigmoid(x: f64) -> f64 {
    let power = exact::exp(-x.abs());
    let bottom = 1.0 + power;
    let rest = (1.0 - bottom) + power;
    let top = if x < 0.0 { power } else { 1.0 };
    let quotient = top / bottom;
    quotient + ((-quotient).mul_add(bottom, top) - quotient * rest) / bottom
}

/// Bisection, and two of Newton's steps; above 0.85 by the complement, which is exact. Within one ULP.
fn erf_inv(y: f64) -> f64 {
    let size = y.abs();
    if size.is_nan() || size > 1.0 {
        return f64::NAN;
    }
    if size >= 1.0 {
        return f64::INFINITY.copysign(y);
    }
    let slope = std::f64::consts::FRAC_2_SQRT_PI;
    if size < 1e-6 {
        let first = y / slope;
        return first + first * y * y * std::f64::consts::PI / 12.0;
    }
    let left =
        |x: f64| if size > 0.85 { exact::erfc(x) - (1.0 - size) } else { size - exact::erf(x) };
    let (mut low, mut high) = (0.0, 6.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if left(middle) > 0.0 { low = middle } else { high = middle }
    }
    let step = |x: f64| x + left(x) / slope * exact::exp(x * x);
    step(step(0.5 * (low + high))).copysign(y)
}

/// The least and the greatest value that the function may take.
pub(crate) fn range(function: Function) -> (f64, f64) {
    match function {
        Function::Exp | Function::Exp2 | Function::Rsqrt => (0.0, f64::INFINITY),
        Function::Cosh => (1.0, f64::INFINITY),
        Function::Expm1 => (-1.0, f64::INFINITY),
        Function::Tanh | Function::Sin | Function::Cos | Function::Erf => (-1.0, 1.0),
        Function::Sigmoid => (0.0, 1.0),
        Function::Asin | Function::Atan => (-1.570_796_4, 1.570_796_4),
        Function::Acos => (0.0, 3.141_592_8),
        Function::Sinh
        | Function::Log
        | Function::Log2
        | Function::Log1p
        | Function::Tan
        | Function::Cbrt
        | Function::ErfInv => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// The arguments at which functions have their ends, borders and poles, and those that are hardest to reduce.
pub(crate) fn special_values() -> Vec<f64> {
    let infinity = f64::INFINITY;
    let mut values =
        vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1e-308, 1e308, 5e-324, infinity, f64::MAX];
    values.extend([
        f64::MIN_POSITIVE,
        f64::EPSILON,
        4_503_599_627_370_497.0,
        9_007_199_254_740_991.0,
    ]);
    // The neighbours of the borders inside of the functions, and of overflow and underflow.
    for border in [
        0.414,
        0.625,
        std::f64::consts::FRAC_1_SQRT_2,
        0.925,
        1.0,
        20.0,
        709.78,
        710.475,
        745.13,
        1024.0,
        1074.0,
        6.0,
    ] {
        let border: f64 = border;
        values.extend([border.next_down(), border, border.next_up()]);
    }
    // The multiples of π/2 that are closest to an `f64` and an `f32`, after J.-M. Muller.
    values.extend([6_381_956_970_095_103.0 * 2f64.powi(797), 16_367_173.0 * 2f64.powi(72), 1e22]);
    let negative: Vec<f64> = values.iter().map(|x| -x).collect();
    values.extend(negative);
    values.push(f64::NAN);
    values
}

/// A sequence without a clock: xorshift (Marsaglia 2003).
pub(crate) struct Random(u64);

impl Random {
    /// Another sequence for each seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 88_172_645_463_325_252);
        random.bits();
        random
    }

    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Every eighth number is any pattern; the others are where functions have their borders.
    /// There is one NaN only, for the references tell signalling ones apart.
    pub(crate) fn number(&mut self, round: u32) -> f64 {
        let number = self.pattern(round);
        if number.is_nan() { f64::NAN } else { number }
    }

    fn pattern(&mut self, round: u32) -> f64 {
        match round % 8 {
            0 => f64::from_bits(self.bits()),
            1 => self.between(-1.0, 1.0),
            2 => self.between(-10.0, 10.0),
            3 => self.between(-750.0, 750.0),
            4 => self.between(0.0, 4.0),
            5 => self.between(-2.0, 2.0) * self.power(-50.0, 10.0),
            6 => 1.0 + self.between(-0.5, 0.5) * self.power(-50.0, 0.0),
            _ => self.between(-1.25, 1.25),
        }
    }

    fn power(&mut self, low: f64, high: f64) -> f64 {
        exact::exp2(self.between(low, high).round())
    }
}
