//! The functions of single elements: what [`Unary`], [`Binary`], [`Comparison`] and [`Combine`] say, as arithmetic.

use std::cmp::Ordering;
use std::f64::consts::PI;

use crate::graph::{Binary, Combine, Comparison, Element, ElementKind, Scalar, Unary};

/// A function of one element.
pub fn unary(function: Unary, operand: Scalar) -> Scalar {
    let element = operand.element;
    if element.is_half() {
        return convert(element, unary(function, convert(Element::F32, operand)));
    }
    if element.is_float() {
        return Scalar::from_f64(element, float_unary(function, operand.to_f64()));
    }
    let x = operand.to_i64();
    let is_signed = element.kind() == ElementKind::Signed;
    let result = match function {
        Unary::Neg => x.wrapping_neg(),
        Unary::Abs if is_signed => x.wrapping_abs(),
        Unary::Abs => x,
        Unary::Sign if is_signed => x.signum(),
        Unary::Sign => i64::from(x != 0),
        Unary::Not if element == Element::Bool => 1 - x,
        Unary::Not => !x,
        Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::StopGrad
        | Unary::Sqrt
        | Unary::Rsqrt
        | Unary::Cbrt
        | Unary::Exp
        | Unary::Exp2
        | Unary::Expm1
        | Unary::Log
        | Unary::Log2
        | Unary::Log1p
        | Unary::Sin
        | Unary::Cos
        | Unary::Tan
        | Unary::Asin
        | Unary::Acos
        | Unary::Atan
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Tanh
        | Unary::Sigmoid
        | Unary::Erf
        | Unary::ErfInv => crate::bug!("eval", "{} of {element}", function.word()),
    };
    Scalar::from_i64(element, result)
}

/// A function of two elements of one type.
pub fn binary(function: Binary, left: Scalar, right: Scalar) -> Scalar {
    let element = left.element;
    if element.is_half() {
        let [left, right] = [left, right].map(|operand| convert(Element::F32, operand));
        return convert(element, binary(function, left, right));
    }
    if element.is_float() {
        let result = float_binary(function, left.to_f64(), right.to_f64());
        return Scalar::from_f64(element, result);
    }
    // Integers of fewer bits are computed in 64 and wrap when they go back.
    let (x, y) = (left.to_i64(), right.to_i64());
    // Only what has all 64 bits and no sign is not the same number as `i64`.
    let (ux, uy) = (x.cast_unsigned(), y.cast_unsigned());
    let is_unsigned = element.kind() == ElementKind::Unsigned;
    let width = 8 * element.size() as i64;
    let result = match function {
        Binary::Add => x.wrapping_add(y),
        Binary::Sub => x.wrapping_sub(y),
        Binary::Mul => x.wrapping_mul(y),
        Binary::Div if y == 0 => 0,
        Binary::Div if is_unsigned => (ux / uy).cast_signed(),
        Binary::Div => x.wrapping_div(y),
        Binary::Rem if y == 0 => x,
        Binary::Rem if is_unsigned => (ux % uy).cast_signed(),
        Binary::Rem => x.wrapping_rem(y),
        Binary::Max if is_unsigned => ux.max(uy).cast_signed(),
        Binary::Min if is_unsigned => ux.min(uy).cast_signed(),
        Binary::Max => x.max(y),
        Binary::Min => x.min(y),
        Binary::And => x & y,
        Binary::Or => x | y,
        Binary::Xor => x ^ y,
        Binary::ShiftLeft => x << y.rem_euclid(width),
        Binary::ShiftRight if is_unsigned => (ux >> y.rem_euclid(width)).cast_signed(),
        Binary::ShiftRight => x >> y.rem_euclid(width),
        Binary::Pow | Binary::Atan2 => crate::bug!("eval", "{} of {element}", function.word()),
    };
    Scalar::from_i64(element, result)
}

/// A comparison of two elements of one type.
pub fn compare(comparison: Comparison, left: Scalar, right: Scalar) -> Scalar {
    let order = if left.element.is_float() {
        left.to_f64().partial_cmp(&right.to_f64())
    } else if left.element.kind() == ElementKind::Unsigned {
        Some(left.bits.cmp(&right.bits))
    } else {
        Some(left.to_i64().cmp(&right.to_i64()))
    };
    Scalar::from_i64(Element::Bool, i64::from(holds(comparison, order)))
}

/// Whether a comparison holds of two elements in this order; without one, only `Ne` does.
pub(in crate::graph) fn holds(comparison: Comparison, order: Option<Ordering>) -> bool {
    match comparison {
        Comparison::Eq => order == Some(Ordering::Equal),
        Comparison::Ne => order != Some(Ordering::Equal),
        Comparison::Lt => order == Some(Ordering::Less),
        Comparison::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Gt => order == Some(Ordering::Greater),
        Comparison::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Rust's `as`.
pub fn convert(element: Element, operand: Scalar) -> Scalar {
    if operand.element.is_float() {
        Scalar::from_f64(element, operand.to_f64())
    } else if operand.element.kind() == ElementKind::Unsigned {
        Scalar::from_u64(element, operand.bits)
    } else {
        Scalar::from_i64(element, operand.to_i64())
    }
}

/// All items combined from left to right; floats are rounded once, at the end, and those of 16 bits to `f32` before.
pub fn reduce(combine: Combine, element: Element, items: &[Scalar]) -> Scalar {
    if element.is_half() {
        let wide: Vec<Scalar> = items.iter().map(|item| convert(Element::F32, *item)).collect();
        return convert(element, reduce(combine, Element::F32, &wide));
    }
    let Some((first, rest)) = items.split_first() else { return combine.identity(element) };
    let function = combine.binary();
    if !element.is_float() {
        return rest.iter().fold(*first, |sum, item| binary(function, sum, *item));
    }
    // A sum begins with +0, and so never is −0; one element is its own sum.
    let begins = combine == Combine::Add && !rest.is_empty();
    let first = if begins { 0.0 + first.to_f64() } else { first.to_f64() };
    let sum = rest.iter().fold(first, |sum, item| float_binary(function, sum, item.to_f64()));
    Scalar::from_f64(element, sum)
}

/// The sum of the products of all pairs; of floats neither the products nor, before the end, the sums of `f32` are rounded.
pub fn contract(element: Element, pairs: &[(Scalar, Scalar)]) -> Scalar {
    if element.is_half() {
        return convert(element, contract(Element::F32, pairs));
    }
    if element.is_float() {
        let sum = pairs.iter().fold(0.0, |sum, (x, y)| x.to_f64().mul_add(y.to_f64(), sum));
        return Scalar::from_f64(element, sum);
    }
    pairs.iter().fold(Scalar::from_i64(element, 0), |sum, (x, y)| {
        binary(Binary::Add, sum, binary(Binary::Mul, *x, *y))
    })
}

/// A function of one `f64`; that of an `f32` is its rounded value.
pub(in crate::graph) fn float_unary(function: Unary, x: f64) -> f64 {
    match function {
        Unary::Neg => -x,
        Unary::StopGrad => x,
        Unary::Abs => x.abs(),
        Unary::Sign if x == 0.0 => 0.0,
        Unary::Sign => x.signum(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => 1.0 / x.sqrt(),
        Unary::Cbrt => x.cbrt(),
        Unary::Exp => x.exp(),
        Unary::Exp2 => x.exp2(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Log => x.ln(),
        Unary::Log2 => x.log2(),
        Unary::Log1p => x.ln_1p(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Tanh => x.tanh(),
        // The second form does not overflow where the result is tiny.
        Unary::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Erf => erf(x),
        Unary::ErfInv => erf_inv(x),
        Unary::Not => crate::bug!("eval", "not of a float"),
    }
}

/// A function of two `f64`; that of two `f32` is its rounded value.
pub(in crate::graph) fn float_binary(function: Binary, x: f64, y: f64) -> f64 {
    match function {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Rem => x % y,
        Binary::Pow => x.powf(y),
        Binary::Atan2 => x.atan2(y),
        Binary::Max | Binary::Min if x.is_nan() || y.is_nan() => f64::NAN,
        // `total_cmp` orders −0 below +0 and is the usual order otherwise.
        Binary::Max => std::cmp::max_by(x, y, f64::total_cmp),
        Binary::Min => std::cmp::min_by(x, y, f64::total_cmp),
        Binary::And | Binary::Or | Binary::Xor | Binary::ShiftLeft | Binary::ShiftRight => {
            crate::bug!("eval", "{} of floats", function.word())
        }
    }
}

/// The error function, to a few units in the last place.
///
/// Below 3 by the series erf x = 2/√π · e^(−x²) · Σ 2ᵏ x²ᵏ⁺¹ / (1·3·…·(2k+1)), whose terms have one sign;
/// above by the continued fraction of the complement, which is too small there to spoil the difference.
fn erf(x: f64) -> f64 {
    let size = x.abs();
    if x.is_nan() || x == 0.0 {
        return x;
    }
    if size > 6.0 {
        return 1.0_f64.copysign(x);
    }
    let square = x * x;
    // What rounding took from the square would be multiplied by it in the exponential.
    let lost = x.mul_add(x, -square);
    let bell = (-square).exp() * (1.0 - lost);
    if size >= 3.0 {
        // erfc x = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))))
        let fraction = (1..=80).rev().fold(size, |tail, k| size + 0.5 * f64::from(k) / tail);
        return (1.0 - bell / (PI.sqrt() * fraction)).copysign(x);
    }
    // Σ by Horner's scheme, smallest terms first.
    let sum = (1..=80).rev().fold(1.0, |sum, k| 1.0 + sum * 2.0 * square / f64::from(2 * k + 1));
    2.0 / PI.sqrt() * bell * x * sum
}

/// 1 − erf x for x of at least 1, by the continued fraction of [`erf`].
fn erfc(x: f64) -> f64 {
    let fraction = (1..=400).rev().fold(x, |tail, k| x + 0.5 * f64::from(k) / tail);
    let square = x * x;
    let lost = x.mul_add(x, -square);
    (-square).exp() * (1.0 - lost) / (PI.sqrt() * fraction)
}

/// The x whose error function this is, by bisection between the numbers of which it is one, and two of Newton's steps.
///
/// Above 0.85 what is searched for has the complement 1 − y, which is exact.
fn erf_inv(y: f64) -> f64 {
    let size = y.abs();
    if size.is_nan() || size > 1.0 {
        return f64::NAN;
    }
    if size >= 1.0 {
        return f64::INFINITY.copysign(y);
    }
    // What is left to the point: positive on its left.
    let left = |x: f64| if size > 0.85 { erfc(x) - (1.0 - size) } else { size - erf(x) };
    let (mut low, mut high): (f64, f64) = if size > 0.85 { (1.0, 6.0) } else { (0.0, 1.1) };
    if size < 1e-6 {
        // The next term is x³ π^(3/2) / 24.
        let first = 0.5 * PI.sqrt() * y;
        return first + first * y * y * PI / 12.0;
    }
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if left(middle) > 0.0 { low = middle } else { high = middle }
    }
    let step = |x: f64| x + left(x) * 0.5 * PI.sqrt() * (x * x).exp();
    step(step(0.5 * (low + high))).copysign(y)
}

#[cfg(test)]
mod tests {
    use super::{
        Binary, Combine, Comparison, Element, Scalar, Unary, binary, compare, convert, erf, reduce,
        unary,
    };

    #[test]
    fn erf_agrees_with_longer_arithmetic() {
        // From the Taylor series in 60 decimal digits.
        for (x, value) in [
            (1e-300, 1.128_379_167_095_512_6e-300),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (2.99, 0.999_976_474_396_919_4),
            (3.5, 0.999_999_256_901_627_6),
            (5.0, 0.999_999_999_998_462_6),
        ] {
            let relative = (erf(x) - value).abs() / value;
            assert!(relative < 8.0 * f64::EPSILON, "erf({x}) = {}, not {value}", erf(x));
            assert_eq!(erf(-x).to_bits(), (-erf(x)).to_bits());
        }
    }

    #[test]
    fn integers_wrap_and_never_panic() {
        let int = |value| Scalar::from_i64(Element::I32, value);
        let min = i64::from(i32::MIN);
        assert_eq!(binary(Binary::Div, int(min), int(-1)), int(min));
        assert_eq!(binary(Binary::Rem, int(min), int(-1)), int(0));
        assert_eq!(binary(Binary::Div, int(7), int(0)), int(0));
        assert_eq!(binary(Binary::Rem, int(7), int(0)), int(7));
        assert_eq!(binary(Binary::ShiftLeft, int(1), int(-1)), int(min));
        assert_eq!(unary(Unary::Abs, int(min)), int(min));
        assert_eq!(unary(Unary::Neg, Scalar::from_i64(Element::U8, 1)).bits, 255);
    }

    #[test]
    fn what_has_no_sign_has_no_sign_at_64_bits_either() {
        let most = Scalar::from_i64(Element::U64, -1);
        let two = Scalar::from_i64(Element::U64, 2);
        assert_eq!(binary(Binary::Div, most, two).bits, u64::MAX / 2);
        assert_eq!(binary(Binary::Rem, most, two).bits, 1);
        assert_eq!(binary(Binary::Max, most, two), most);
        assert_eq!(binary(Binary::Min, most, two), two);
        assert_eq!(binary(Binary::ShiftRight, most, two).bits, u64::MAX >> 2);
        assert_eq!(unary(Unary::Abs, most), most);
        assert_eq!(unary(Unary::Sign, most).bits, 1);
        assert_eq!(compare(Comparison::Gt, most, two).bits, 1);
        assert_eq!(convert(Element::F32, most).bits, u64::from((u64::MAX as f32).to_bits()));
        assert_eq!(convert(Element::I64, most).to_i64(), -1);
        assert_eq!(convert(Element::U64, Scalar::from_f64(Element::F64, -1.0)).bits, 0);
        assert_eq!(convert(Element::U64, Scalar::from_f64(Element::F64, 1e30)), most);
    }

    #[test]
    fn sums_of_f32_are_rounded_once() {
        let items: Vec<Scalar> =
            [1.0, 5e-8, 5e-8].map(|value| Scalar::from_f64(Element::F32, value)).to_vec();
        let sum = reduce(Combine::Add, Element::F32, &items).to_f64();
        assert!(sum > 1.0, "each alone is less than half a unit in the last place");
    }
}
