//! One number as text, and the common width of many.
//!
//! In:  the values that are shown, and how many digits may stand after the point.
//! Out: a [`Format`] that prints each of them in as many columns as the widest.
//!
//! ```text
//! 1.5, -20, inf      ->   "  1.5", "-20. ", "  inf"
//! 0.00001, 123456    ->   "1.00000e-05", "1.23456e+05"
//! ```
//!
//! The rules are NumPy's: the fewest digits that tell the value from its neighbours, at most `precision` of them,
//! and exponents for all as soon as one value is large, tiny, or the values differ by more than a factor of 1000.

use half::{bf16, f16};

use crate::element::Value;

/// The format that all shown values of a tensor share.
pub(super) enum Format {
    Plain { left: usize, right: usize, precision: usize },
    Exponent { left: usize, digits: usize, exponent: usize, precision: usize },
    Padded { width: usize },
}

/// A float in digits: what stands before the point, after it, and the exponent if there is one.
struct Digits {
    left: String,
    right: String,
    exponent: Option<i32>,
}

impl Format {
    /// The format for `values`, with at most `precision` digits after the point.
    pub(super) fn new(values: &[Value], precision: usize) -> Self {
        if !values.iter().all(is_float) {
            let width = values.iter().map(|&value| whole(value).len()).max().unwrap_or(0);
            return Self::Padded { width };
        }
        let finite: Vec<Value> = values.iter().copied().filter(is_finite).collect();
        let exponents = wants_exponents(&finite);
        let digits: Vec<Digits> =
            finite.iter().map(|&value| digits(value, precision, exponents)).collect();
        let mut left = digits.iter().map(|it| it.left.len()).max().unwrap_or(0);
        let right = digits.iter().map(|it| it.right.len()).max().unwrap_or(0);
        let exponent =
            digits.iter().filter_map(|it| it.exponent).map(|it| exponent_digits(it).len()).max();
        let after_point = right + exponent.map_or(0, |exponent| exponent + 2);
        let others = values.iter().filter(|&value| !is_finite(value));
        let widest = others.map(|&value| special(value).len()).max().unwrap_or(0);
        left = left.max(widest.saturating_sub(after_point + 1));
        match exponent {
            Some(exponent) => Self::Exponent { left, digits: right, exponent, precision },
            None => Self::Plain { left, right, precision },
        }
    }

    /// One of the values in the common width.
    pub(super) fn print(&self, value: Value) -> String {
        match *self {
            Self::Padded { width } => format!("{:>width$}", whole(value)),
            Self::Plain { left, right, .. } if !is_finite(&value) => {
                format!("{:>width$}", special(value), width = left + right + 1)
            }
            Self::Exponent { left, digits, exponent, .. } if !is_finite(&value) => {
                format!("{:>width$}", special(value), width = left + digits + exponent + 3)
            }
            Self::Plain { left, right, precision } => {
                let it = digits(value, precision, false);
                format!("{:>left$}.{:<right$}", it.left, it.right)
            }
            Self::Exponent { left, digits: right, exponent, precision } => {
                let mut it = digits(value, precision, true);
                // A value that needs fewer digits than the widest shows more of its own, not zeros.
                if it.right.len() < right {
                    it = split(&float_text(value, Some(right), true));
                }
                let power = it.exponent.unwrap_or(0);
                let sign = if power < 0 { '-' } else { '+' };
                let power = power.unsigned_abs();
                format!("{:>left$}.{}e{sign}{power:0>exponent$}", it.left, it.right)
            }
        }
    }
}

/// A number that stands alone, with all the digits it needs.
pub(super) fn scalar(value: Value) -> String {
    if !is_float(&value) {
        return whole(value).trim_start().to_owned();
    }
    if !is_finite(&value) {
        return special(value).to_owned();
    }
    let size = magnitude(value);
    let most = match value {
        Value::Half(_) => 1e3,
        Value::Single(_) | Value::Brain(_) => 1e6,
        Value::Double(_) | Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => 1e16,
    };
    let exponents = size != 0.0 && !(1e-4..most).contains(&size);
    let it = digits(value, usize::MAX, exponents);
    let Some(power) = it.exponent else {
        let right = if it.right.is_empty() { "0" } else { &it.right };
        return format!("{}.{right}", it.left);
    };
    let point = if it.right.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!("{}{point}{}e{sign}{}", it.left, it.right, exponent_digits(power))
}

fn is_float(value: &Value) -> bool {
    match value {
        Value::Single(_) | Value::Double(_) | Value::Half(_) | Value::Brain(_) => true,
        Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => false,
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::Single(x) => x.is_finite(),
        Value::Double(x) => x.is_finite(),
        Value::Half(x) => x.is_finite(),
        Value::Brain(x) => x.is_finite(),
        Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => true,
    }
}

/// The absolute value of a float.
fn magnitude(value: Value) -> f64 {
    match value {
        Value::Single(x) => f64::from(x.abs()),
        Value::Double(x) => x.abs(),
        Value::Half(x) => x.to_f64().abs(),
        Value::Brain(x) => x.to_f64().abs(),
        Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => 0.0,
    }
}

/// An integer, or a truth value in NumPy's words and width.
fn whole(value: Value) -> String {
    match value {
        Value::Integer(x) => x.to_string(),
        Value::Natural(x) => x.to_string(),
        Value::Bool(true) => " True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Single(_) | Value::Double(_) | Value::Half(_) | Value::Brain(_) => String::new(),
    }
}

/// A float that is not finite.
fn special(value: Value) -> &'static str {
    let (nan, negative) = match value {
        Value::Single(x) => (x.is_nan(), x < 0.0),
        Value::Double(x) => (x.is_nan(), x < 0.0),
        Value::Half(x) => (x.is_nan(), x.is_sign_negative()),
        Value::Brain(x) => (x.is_nan(), x.is_sign_negative()),
        Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => (false, false),
    };
    match (nan, negative) {
        (true, _) => "nan",
        (false, true) => "-inf",
        (false, false) => "inf",
    }
}

/// Whether these finite values are printed with exponents.
///
/// NumPy compares in the element type itself, so that its limits are rounded to it.
fn wants_exponents(finite: &[Value]) -> bool {
    let Some(&first) = finite.first() else { return false };
    let sizes = finite.iter().map(|&value| magnitude(value)).filter(|&size| size != 0.0);
    let (least, most) =
        sizes.fold((f64::INFINITY, 0.0), |(least, most), size| (size.min(least), size.max(most)));
    if most == 0.0 {
        return false;
    }
    match first {
        Value::Single(_) => {
            let (least, most) = (least as f32, most as f32);
            most >= 1e6 || least < 0.0001 || most / least > 1000.0
        }
        Value::Double(_) => most >= 1e8 || least < 0.0001 || most / least > 1000.0,
        Value::Half(_) => {
            let [least, most] = [least, most].map(f16::from_f64);
            let ratio = most / least;
            most >= f16::from_f32(1e3) || least < f16::from_f32(1e-4) || ratio > f16::from_f32(1e3)
        }
        // NumPy has no such type; its limits are those of `f32`, whose range it has.
        Value::Brain(_) => most >= 1e6 || least < 0.0001 || most / least > 1000.0,
        Value::Integer(_) | Value::Natural(_) | Value::Bool(_) => false,
    }
}

/// The fewest digits that identify the float, or its value rounded to `precision` digits after the point if these are fewer.
///
/// Two texts of the fewest digits may be equally near, and NumPy takes the one that ends in an even digit.
/// Rust takes it too if it is asked for this number of digits.
fn digits(value: Value, precision: usize, exponent: bool) -> Digits {
    let fewest = split(&float_text(value, None, exponent)).right.len();
    let mut rounded = split(&float_text(value, Some(fewest.min(precision)), exponent));
    rounded.right.truncate(rounded.right.trim_end_matches('0').len());
    rounded
}

fn float_text(value: Value, precision: Option<usize>, exponent: bool) -> String {
    // Rust's own texts would tell the number from every other `f32`.
    let value = match value {
        Value::Half(x) => Value::Double(fewest(x.to_f32(), |text| f16::from_f64(text) == x)),
        Value::Brain(x) => Value::Double(fewest(x.to_f32(), |text| bf16::from_f64(text) == x)),
        other => other,
    };
    match (value, precision, exponent) {
        (Value::Single(x), None, false) => format!("{x}"),
        (Value::Single(x), None, true) => format!("{x:e}"),
        (Value::Single(x), Some(precision), false) => format!("{x:.precision$}"),
        (Value::Single(x), Some(precision), true) => format!("{x:.precision$e}"),
        (Value::Double(x), None, false) => format!("{x}"),
        (Value::Double(x), None, true) => format!("{x:e}"),
        (Value::Double(x), Some(precision), false) => format!("{x:.precision$}"),
        (Value::Double(x), Some(precision), true) => format!("{x:.precision$e}"),
        (Value::Half(_) | Value::Brain(_), ..) => String::new(),
        (Value::Integer(_) | Value::Natural(_) | Value::Bool(_), ..) => String::new(),
    }
}

/// The number with the fewest digits that is rounded to a float of 16 bits.
fn fewest(value: f32, is_rounded_to_it: impl Fn(f64) -> bool) -> f64 {
    let texts = (0..9).filter_map(|digits| format!("{value:.digits$e}").parse().ok());
    texts.into_iter().find(|text| is_rounded_to_it(*text)).unwrap_or(f64::from(value))
}

fn split(text: &str) -> Digits {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()),
        None => (text, None),
    };
    let (left, right) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    Digits { left: left.to_owned(), right: right.to_owned(), exponent }
}

/// The digits of an exponent, at least two.
fn exponent_digits(exponent: i32) -> String {
    format!("{:02}", exponent.unsigned_abs())
}
