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

/// A sequence without a clock: xorshift (Marsaglia 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Random(88_172_645_463_325_252)
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
