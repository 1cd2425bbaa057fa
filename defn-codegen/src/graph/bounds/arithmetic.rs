//! Arithmetic on bounds: how an error grows through each function of elements.

use std::cmp::Ordering;

use super::{Bound, ELEMENTARY_ULPS};
use crate::graph::eval::walk::Item;
use crate::graph::eval::{self, float_binary, float_unary, holds};
use crate::graph::{Binary, Combine, Comparison, Element, Scalar, Unary};

/// Roundings of an elementary function, in halves of a unit: its own, and two units for the evaluator's.
const ELEMENTARY: f64 = 2.0 * ELEMENTARY_ULPS + 4.0;

/// Roundings of the inverse of the error function, in halves of a unit: up to 48 units of its own.
const INVERSE_ERROR: f64 = 100.0;

/// Roundings of one arithmetic operation, in halves of a unit: its own and the evaluator's.
const ARITHMETIC: f64 = 2.0;

/// A float with its error, while it is computed with.
#[derive(Clone, Copy)]
struct Near {
    value: f64,
    error: f64,
}

impl Near {
    fn of(bound: &Bound) -> Option<Self> {
        match bound {
            Bound::Near { element: _, value, error } => Some(Self { value: *value, error: *error }),
            Bound::Exact(_) | Bound::Unknown => None,
        }
    }

    fn low(self) -> f64 {
        self.value - self.error
    }

    fn high(self) -> f64 {
        self.value + self.error
    }

    /// The largest size.
    fn size(self) -> f64 {
        self.value.abs() + self.error
    }

    fn is_exact(self) -> bool {
        self.error == 0.0
    }

    /// Whether zero, of either sign, is possible.
    fn may_be_zero(self) -> bool {
        self.value.abs() <= self.error
    }
}

/// The largest finite value of a float type, half a unit in the last place of 1, the smallest positive value.
fn format(element: Element) -> (f64, f64, f64) {
    if element == Element::F16 {
        (65_504.0, 1.0 / 2048.0, 1.0 / 16_777_216.0)
    } else if element == Element::Bf16 {
        (LARGEST_BF16, f64::from(f32::EPSILON) * 32_768.0, SMALLEST_BF16)
    } else if element == Element::F32 {
        (f64::from(f32::MAX), f64::from(f32::EPSILON) / 2.0, f64::from(f32::from_bits(1)))
    } else {
        (f64::MAX, f64::EPSILON / 2.0, f64::from_bits(1))
    }
}

const LARGEST_BF16: f64 = f32::from_bits(0x7f7f_0000) as f64;
const SMALLEST_BF16: f64 = f32::from_bits(0x0001_0000) as f64;

/// A value with an error, after so many more roundings.
fn rounded(element: Element, near: Near, roundings: f64) -> Bound {
    let (largest, unit, smallest) = format(element);
    let Near { value, error } = near;
    if error.is_nan() || error == f64::INFINITY {
        return Bound::Unknown;
    }
    if !value.is_finite() {
        return if near.is_exact() {
            Bound::Near { element, value, error }
        } else {
            Bound::Unknown
        };
    }
    let error = error + roundings * (unit * near.size() + smallest);
    if value.abs() + error < largest {
        return Bound::Near { element, value, error };
    }
    // An `f32` far above its largest value is infinite however it is rounded.
    if value.abs() - error > largest * (1.0 + 2.0 * unit) {
        let value = f64::INFINITY.copysign(value);
        return Bound::Near { element, value, error: 0.0 };
    }
    Bound::Unknown
}

/// Whether two decisions fell the same way; the sign of a zero is none.
fn is_same(x: f64, y: f64) -> bool {
    x.partial_cmp(&y) == Some(Ordering::Equal)
}

/// A value without error.
fn exact(element: Element, value: f64) -> Bound {
    Bound::Near { element, value, error: 0.0 }
}

/// The result of a function that is known at some places within the error: their farthest distance is its error.
fn spanned(element: Element, value: f64, places: &[f64], roundings: f64) -> Bound {
    let agrees = |place: &f64| {
        if value.is_finite() { place.is_finite() } else { place.to_bits() == value.to_bits() }
    };
    if value.is_nan() && places.iter().all(|place| place.is_nan()) {
        return exact(element, value);
    }
    if !places.iter().all(agrees) {
        return Bound::Unknown;
    }
    if !value.is_finite() {
        return exact(element, value);
    }
    let error = places.iter().fold(0.0, |error: f64, place| error.max((place - value).abs()));
    rounded(element, Near { value, error }, roundings)
}

/// Whether an exact value is one of the element type, so that correct rounding keeps it.
fn is_representable(element: Element, value: f64) -> bool {
    Scalar::from_f64(element, value).to_f64().to_bits() == value.to_bits()
}

/// A bound of a float of 16 bits as that of an `f32`, which holds it.
fn single(bound: &Bound) -> Bound {
    match bound {
        Bound::Near { element, value, error } if element.is_half() => {
            Bound::Near { element: Element::F32, value: *value, error: *error }
        }
        Bound::Near { .. } | Bound::Exact(_) | Bound::Unknown => *bound,
    }
}

/// A product of floats of 16 bits, which is not rounded to them if it is only summed.
fn narrow_product(element: Element, product: &Bound) -> Bound {
    match Near::of(product) {
        Some(near) if !near.value.is_finite() => Bound::Unknown,
        Some(near) if near.is_exact() && is_representable(element, near.value) => {
            exact(element, near.value)
        }
        Some(near) => {
            let bound = rounded(element, near, ARITHMETIC);
            let overflows = Near::of(&bound).is_some_and(|product| product.value.is_infinite());
            if overflows { Bound::Unknown } else { bound }
        }
        None => *product,
    }
}

impl Item for Bound {
    fn constant(scalar: Scalar) -> Self {
        if scalar.element.is_float() {
            exact(scalar.element, scalar.to_f64())
        } else {
            Self::Exact(scalar)
        }
    }

    fn unary(function: Unary, operand: &Self) -> Self {
        match operand {
            Self::Near { element, value, error } if element.is_half() => {
                let single = Self::Near { element: Element::F32, value: *value, error: *error };
                Self::convert(*element, &Self::unary(function, &single))
            }
            Self::Exact(scalar) => Self::Exact(eval::unary(function, *scalar)),
            Self::Near { element, value, error } => {
                unary(*element, function, Near { value: *value, error: *error })
            }
            Self::Unknown => Self::Unknown,
        }
    }

    fn binary(function: Binary, left: &Self, right: &Self) -> Self {
        match (left, right) {
            (Self::Exact(left), Self::Exact(right)) => {
                Self::Exact(eval::binary(function, *left, *right))
            }
            (Self::Near { element, .. }, right) if element.is_half() => {
                let product = Self::binary(function, &single(left), &single(right));
                if function == Binary::Mul {
                    narrow_product(*element, &product)
                } else {
                    Self::convert(*element, &product)
                }
            }
            (Self::Near { element, value, error }, right) => match Near::of(right) {
                Some(right) => {
                    binary(*element, function, Near { value: *value, error: *error }, right)
                }
                None => Self::Unknown,
            },
            (Self::Exact(_) | Self::Unknown, _) => Self::Unknown,
        }
    }

    fn compare(comparison: Comparison, left: &Self, right: &Self) -> Self {
        if let (Self::Exact(left), Self::Exact(right)) = (left, right) {
            return Self::Exact(eval::compare(comparison, *left, *right));
        }
        let (Some(left), Some(right)) = (Near::of(left), Near::of(right)) else {
            return Self::Unknown;
        };
        let nan = left.value.is_nan() || right.value.is_nan();
        let apart = left.high() < right.low() || right.high() < left.low();
        if !(nan || apart || left.is_exact() && right.is_exact()) {
            return Self::Unknown;
        }
        let result = holds(comparison, left.value.partial_cmp(&right.value));
        Self::Exact(Scalar::from_i64(Element::Bool, i64::from(result)))
    }

    fn select(condition: &Self, then: &Self, otherwise: &Self) -> Self {
        match condition {
            Self::Exact(scalar) if scalar.bits == 0 => *otherwise,
            Self::Exact(_) => *then,
            Self::Near { .. } | Self::Unknown => Self::Unknown,
        }
    }

    fn convert(element: Element, operand: &Self) -> Self {
        match operand {
            Self::Exact(scalar) => Self::constant(eval::convert(element, *scalar)),
            Self::Near { element: from, value, error } => {
                let near = Near { value: *value, error: *error };
                convert(*from, element, near)
            }
            Self::Unknown => Self::Unknown,
        }
    }

    fn reduce(combine: Combine, element: Element, items: &[Self]) -> Self {
        if element.is_half() {
            let wide: Vec<Self> = items.iter().map(single).collect();
            return Self::convert(element, &Self::reduce(combine, Element::F32, &wide));
        }
        let Some((first, rest)) = items.split_first() else {
            return Self::constant(combine.identity(element));
        };
        if !element.is_float() || matches!(combine, Combine::Max | Combine::Min) {
            let function = combine.binary();
            return rest.iter().fold(*first, |sum, item| Self::binary(function, &sum, item));
        }
        let items: Option<Vec<Near>> = items.iter().map(Near::of).collect();
        match items {
            Some(items) if combine == Combine::Add => sum(element, &items),
            Some(items) => product(element, &items),
            None => Self::Unknown,
        }
    }

    fn contract(element: Element, pairs: &[(Self, Self)]) -> Self {
        if element.is_half() {
            let wide: Vec<(Self, Self)> =
                pairs.iter().map(|(left, right)| (single(left), single(right))).collect();
            return Self::convert(element, &Self::contract(Element::F32, &wide));
        }
        let multiply = |(left, right): &(Self, Self)| Self::binary(Binary::Mul, left, right);
        let products: Vec<Self> = pairs.iter().map(multiply).collect();
        Self::reduce(Combine::Add, element, &products)
    }

    fn position(&self) -> Option<i64> {
        match self {
            Self::Exact(scalar) => Some(scalar.to_i64()),
            Self::Near { .. } | Self::Unknown => None,
        }
    }

    fn unknown(_element: Element) -> Self {
        Self::Unknown
    }
}

fn unary(element: Element, function: Unary, x: Near) -> Bound {
    let f = |x: f64| float_unary(function, x);
    let value = f(x.value);
    let ends = [f(x.low()), f(x.high())];
    let decided = if x.is_exact() || is_same(ends[0], ends[1]) && is_same(ends[0], value) {
        exact(element, value)
    } else {
        Bound::Unknown
    };
    match function {
        Unary::Neg | Unary::Abs | Unary::StopGrad => Bound::Near { element, value, error: x.error },
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => decided,
        Unary::Sqrt if x.is_exact() && is_root(element, x.value, value) => exact(element, value),
        Unary::Sqrt => spanned(element, value, &ends, ARITHMETIC),
        Unary::Rsqrt if x.may_be_zero() => Bound::Unknown,
        Unary::Rsqrt
        | Unary::Cbrt
        | Unary::Exp
        | Unary::Exp2
        | Unary::Expm1
        | Unary::Log
        | Unary::Log2
        | Unary::Log1p
        | Unary::Asin
        | Unary::Acos
        | Unary::Atan
        | Unary::Sinh
        | Unary::Tanh
        | Unary::Sigmoid
        | Unary::Erf => spanned(element, value, &ends, ELEMENTARY),
        // The machine takes its logarithm of a rounded square, which is worse the nearer both ends are to the poles.
        Unary::ErfInv => spanned(element, value, &ends, INVERSE_ERROR),
        // Both ends may lie above the bottom between them.
        Unary::Cosh if x.may_be_zero() => {
            spanned(element, value, &[ends[0], ends[1], 1.0], ELEMENTARY)
        }
        Unary::Cosh => spanned(element, value, &ends, ELEMENTARY),
        // No slope is above 1.
        Unary::Sin | Unary::Cos => {
            rounded(element, Near { value, error: x.error.min(2.0) }, ELEMENTARY)
        }
        Unary::Tan => {
            let branch = |x: f64| (x / std::f64::consts::PI).round();
            let same = x.is_exact() || is_same(branch(x.low()), branch(x.high()));
            if same { spanned(element, value, &ends, ELEMENTARY) } else { Bound::Unknown }
        }
        Unary::Not => crate::bug!("bounds", "not of a float"),
    }
}

/// Whether a root comes out without rounding.
fn is_root(element: Element, square: f64, root: f64) -> bool {
    square.is_finite() && root.mul_add(root, -square) == 0.0 && is_representable(element, root)
}

fn binary(element: Element, function: Binary, x: Near, y: Near) -> Bound {
    let value = float_binary(function, x.value, y.value);
    let is_exact = x.is_exact() && y.is_exact() && is_representable(element, value);
    match function {
        Binary::Max | Binary::Min if value.is_nan() => exact(element, value),
        // The larger of two moves no farther than the one that moves farther.
        Binary::Max | Binary::Min => Bound::Near { element, value, error: x.error.max(y.error) },
        Binary::Add | Binary::Sub => {
            let lost = if function == Binary::Add {
                rest_of_sum(x.value, y.value)
            } else {
                rest_of_sum(x.value, -y.value)
            };
            if is_exact && lost == 0.0 {
                return exact(element, value);
            }
            rounded(element, Near { value, error: x.error + y.error }, ARITHMETIC)
        }
        Binary::Mul => multiply(element, x, y, is_exact),
        Binary::Div => divide(element, x, y, is_exact),
        Binary::Rem => remainder(element, x, y),
        Binary::Pow => power(element, x, y),
        Binary::Atan2 => angle(element, x, y),
        Binary::And | Binary::Or | Binary::Xor | Binary::ShiftLeft | Binary::ShiftRight => {
            crate::bug!("bounds", "{} of floats", function.word())
        }
    }
}

/// What rounding takes from a sum, after Knuth; NaN where something is infinite.
fn rest_of_sum(x: f64, y: f64) -> f64 {
    let sum = x + y;
    let of_y = sum - x;
    (x - (sum - of_y)) + (y - of_y)
}

/// Whether the result of infinite or NaN operands is the same however they are rounded.
fn non_finite(element: Element, function: Binary, x: Near, y: Near) -> Option<Bound> {
    let value = float_binary(function, x.value, y.value);
    if x.value.is_nan() || y.value.is_nan() {
        return Some(exact(element, f64::NAN));
    }
    if x.value.is_finite() && y.value.is_finite() {
        return None;
    }
    let doubtful = |near: Near| !near.is_exact() && near.may_be_zero();
    Some(if doubtful(x) || doubtful(y) { Bound::Unknown } else { exact(element, value) })
}

fn multiply(element: Element, x: Near, y: Near, is_exact: bool) -> Bound {
    if let Some(bound) = non_finite(element, Binary::Mul, x, y) {
        return bound;
    }
    let value = x.value * y.value;
    // Products so small may lose bits without a rest that tells.
    let is_normal = value.abs() > 1e-250 || x.value == 0.0 || y.value == 0.0;
    if is_exact && is_normal && x.value.mul_add(y.value, -value) == 0.0 {
        return exact(element, value);
    }
    let error = x.value.abs() * y.error + y.value.abs() * x.error + x.error * y.error;
    let bound = finite_or_overflown(element, Near { value, error }, ARITHMETIC);
    // A product that overflows may be fused into a sum that does not.
    let overflows = Near::of(&bound).is_some_and(|product| product.value.is_infinite());
    if overflows { Bound::Unknown } else { bound }
}

/// As [`rounded`], of a value whose operands were finite: if it is not, then it overflowed even `f64`.
fn finite_or_overflown(element: Element, near: Near, roundings: f64) -> Bound {
    if near.value.is_infinite() && near.error == 0.0 && element == Element::F64 {
        return exact(element, near.value);
    }
    if near.value.is_finite() { rounded(element, near, roundings) } else { Bound::Unknown }
}

fn divide(element: Element, x: Near, y: Near, is_exact: bool) -> Bound {
    if y.may_be_zero() && !x.value.is_nan() {
        return Bound::Unknown;
    }
    if let Some(bound) = non_finite(element, Binary::Div, x, y) {
        return bound;
    }
    let value = x.value / y.value;
    let is_normal = value.abs() > 1e-250 || x.value == 0.0;
    if is_exact && is_normal && value.mul_add(y.value, -x.value) == 0.0 {
        return exact(element, value);
    }
    let error = (x.error + value.abs() * y.error) / (y.value.abs() - y.error);
    finite_or_overflown(element, Near { value, error }, ARITHMETIC)
}

fn remainder(element: Element, x: Near, y: Near) -> Bound {
    if x.is_exact() && y.is_exact() {
        return exact(element, x.value % y.value);
    }
    if !x.value.is_finite() || !y.value.is_finite() || y.may_be_zero() {
        return Bound::Unknown;
    }
    let quotient = |x: f64, y: f64| (x / y).trunc();
    let whole = quotient(x.value, y.value);
    let corners =
        [(x.low(), y.low()), (x.low(), y.high()), (x.high(), y.low()), (x.high(), y.high())];
    // A quotient of a million has lost its fraction in `f32`.
    if whole.abs() > 1e6 || !corners.iter().all(|(x, y)| is_same(quotient(*x, *y), whole)) {
        return Bound::Unknown;
    }
    let error = x.error + whole.abs() * y.error;
    rounded(element, Near { value: x.value % y.value, error }, ARITHMETIC)
}

fn power(element: Element, x: Near, y: Near) -> Bound {
    let value = x.value.powf(y.value);
    if x.may_be_zero() && y.low() < 0.0 {
        return Bound::Unknown;
    }
    if x.is_exact() && y.is_exact() {
        return spanned(element, value, &[value], ELEMENTARY);
    }
    if !x.value.is_finite() || !y.value.is_finite() {
        return Bound::Unknown;
    }
    let corners = [
        x.low().powf(y.low()),
        x.low().powf(y.high()),
        x.high().powf(y.low()),
        x.high().powf(y.high()),
    ];
    // A power is monotone in each operand where the base is positive, and in a base of one sign.
    if x.low() > 0.0 || y.is_exact() && !x.may_be_zero() {
        return spanned(element, value, &corners, ELEMENTARY);
    }
    let is_whole = y.is_exact() && y.value.fract() == 0.0;
    if !is_whole {
        return Bound::Unknown;
    }
    spanned(element, value, &[corners[0], corners[3], 0.0], ELEMENTARY)
}

fn angle(element: Element, y: Near, x: Near) -> Bound {
    let value = y.value.atan2(x.value);
    if value.is_nan() {
        return exact(element, value);
    }
    if y.may_be_zero() && x.low() <= 0.0 {
        return Bound::Unknown;
    }
    if y.is_exact() && x.is_exact() {
        return spanned(element, value, &[value], ELEMENTARY);
    }
    // The angle turns by no more than the step divided by the distance from the origin.
    let nearest = |near: Near| (near.value.abs() - near.error).max(0.0);
    let error = (x.error + y.error) / nearest(x).hypot(nearest(y));
    rounded(element, Near { value, error: error.min(7.0) }, ELEMENTARY)
}

fn convert(from: Element, to: Element, x: Near) -> Bound {
    let scalar = |value: f64| Scalar::from_f64(to, value);
    if !to.is_float() {
        let result = scalar(x.value);
        let same = scalar(x.low()) == result && scalar(x.high()) == result;
        let same = same && !(to == Element::Bool && !x.is_exact() && x.may_be_zero());
        return if same { Bound::Exact(result) } else { Bound::Unknown };
    }
    if x.is_exact() {
        return exact(to, scalar(x.value).to_f64());
    }
    let roundings = if from == to || to == Element::F64 { 0.0 } else { ARITHMETIC };
    rounded(to, x, roundings)
}

/// Sums in any order: each of the additions rounds a partial sum, which is no larger than the sum of all sizes.
fn sum(element: Element, items: &[Near]) -> Bound {
    let value = items.iter().fold(-0.0, |sum, item| sum + item.value);
    let (largest, _, _) = format(element);
    let size: f64 = items.iter().map(|item| item.size()).filter(|size| size.is_finite()).sum();
    let errors: f64 = items.iter().map(|item| item.error).sum();
    if let [only] = items {
        return Bound::Near { element, value: only.value, error: only.error };
    }
    if size >= largest / 2.0 {
        return Bound::Unknown;
    }
    if !value.is_finite() {
        return exact(element, value);
    }
    let whole = items.iter().all(|item| item.is_exact() && item.value.fract() == 0.0);
    let (_, unit, smallest) = format(element);
    if whole && size <= 1.0 / unit {
        return exact(element, value);
    }
    let additions = items.len() as f64;
    let error = errors + additions * ARITHMETIC * (unit * size + smallest);
    rounded(element, Near { value, error }, ARITHMETIC)
}

/// Products in any order: every rounding grows the whole by one unit.
fn product(element: Element, items: &[Near]) -> Bound {
    if let [only] = items {
        return Bound::Near { element, value: only.value, error: only.error };
    }
    let (largest, unit, smallest) = format(element);
    if items.iter().any(|item| item.value.is_nan()) {
        return exact(element, f64::NAN);
    }
    let peak: f64 = items.iter().map(|item| item.size().max(1.0)).product();
    if !peak.is_finite() || peak >= largest / 2.0 {
        return Bound::Unknown;
    }
    let value: f64 = items.iter().map(|item| item.value).product();
    let outer: f64 = items.iter().map(|item| item.size()).product();
    let roundings = items.len() as f64 * ARITHMETIC;
    let whole = items.iter().all(|item| item.is_exact() && item.value.fract() == 0.0);
    if whole && peak <= 1.0 / unit {
        return exact(element, value);
    }
    let grown = outer * (1.0 + 2.0 * unit).powf(roundings) - value.abs();
    let error = grown.max(0.0) + roundings * smallest * peak;
    rounded(element, Near { value, error }, ARITHMETIC)
}

#[cfg(test)]
mod tests {
    use super::exact;
    use crate::graph::bounds::Bound;
    use crate::graph::eval::walk::Item;
    use crate::graph::{Binary, Element, Scalar, Unary};

    fn near(value: f64, error: f64) -> Bound {
        Bound::Near { element: Element::F32, value, error }
    }

    #[test]
    fn whole_numbers_stay_exact() {
        let (three, four) = (exact(Element::F32, 3.0), exact(Element::F32, 4.0));
        assert_eq!(Bound::binary(Binary::Mul, &three, &four), exact(Element::F32, 12.0));
        assert_eq!(Bound::binary(Binary::Div, &three, &four), exact(Element::F32, 0.75));
        assert_eq!(Bound::unary(Unary::Sqrt, &four), exact(Element::F32, 2.0));
    }

    #[test]
    fn decisions_within_the_error_are_unknown() {
        assert_eq!(Bound::unary(Unary::Floor, &near(2.0, 1e-7)), Bound::Unknown);
        assert_eq!(Bound::unary(Unary::Sign, &near(0.0, 1e-7)), Bound::Unknown);
        assert_eq!(Bound::unary(Unary::Log, &near(0.0, 1e-7)), Bound::Unknown);
        assert_eq!(Bound::unary(Unary::Tan, &near(1.57, 1e-2)), Bound::Unknown);
        let equal = Bound::binary(Binary::Div, &near(1.0, 0.0), &near(0.0, 0.0));
        assert_eq!(equal, Bound::Unknown);
    }

    /// In a contraction the true sum may be finite, or infinite, where rounded products give NaN.
    #[test]
    fn products_that_overflow_are_unknown() {
        let product = Bound::binary(Binary::Mul, &near(3e38, 0.0), &near(1e30, 0.0));
        assert_eq!(product, Bound::Unknown);
    }

    #[test]
    fn rounding_of_f32_is_admitted_and_more_is_not() {
        let third = Bound::binary(Binary::Div, &near(1.0, 0.0), &near(3.0, 0.0));
        let value = 1.0_f32 / 3.0;
        let observed = |bits: u32| Scalar { element: Element::F32, bits: u64::from(bits) };
        assert!(third.admits(observed(value.to_bits())));
        assert!(!third.admits(observed(value.to_bits() + 3)));
    }
}
