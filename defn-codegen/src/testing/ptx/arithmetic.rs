//! What instructions compute.
//!
//! In: the words of an instruction.   Out: the bits of its result as a function of the bits of its operands.
//!
//! ```text
//! fma.rn.f32 a, b, c      a · b + c, rounded once
//! shr.s32 a, n            floor(a / 2ⁿ), of any n
//! cvt.rzi.s32.f32 a       towards zero, to the nearest that there is; a NaN is 0
//! ```
//!
//! Words are looked at once for each instruction of a module, and not whenever a thread comes by.

use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::module::bits;
use crate::graph::{Element, Scalar};

/// The most operands of an instruction without effects.
pub(super) const OPERANDS: usize = 4;

/// The bits of the operands; of those that an instruction does not have there are none.
type Operands = [u64; OPERANDS];

/// The result of an instruction without effects.
pub(super) struct Rule(Box<dyn Fn(&Operands) -> u64 + Send + Sync>);

impl Rule {
    pub(super) fn new(of: impl Fn(&Operands) -> u64 + Send + Sync + 'static) -> Self {
        Self(Box::new(of))
    }

    /// The result for these operands.
    pub(super) fn of(&self, operands: &Operands) -> u64 {
        (self.0)(operands)
    }

    /// The lowest bits of the result.
    fn masked(self, width: u32) -> Self {
        Self::new(move |operands| masked(self.of(operands), width))
    }
}

impl Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rule")
    }
}

/// What an instruction with so many operands computes.
pub(super) fn rule(words: &[&str], operands: usize) -> Result<Rule, String> {
    let unknown = || format!("`{}` is not known", words.join("."));
    let kind = words.last().copied().unwrap_or_default();
    // What saturates, flushes or has a carry is nothing that the compiler asks for.
    if ["sat", "ftz", "cc"].iter().any(|word| words.contains(word)) {
        return Err(unknown());
    }
    let rule = match words[0] {
        // Global memory has the same addresses in all of memory.
        "mov" | "cvta" if operands == 1 => Some(Rule::new(|[a, ..]| *a)),
        "selp" if operands == 3 => {
            Some(Rule::new(|[then, otherwise, is, _]| if *is == 0 { *otherwise } else { *then }))
        }
        "setp" => return comparison(words).ok_or_else(unknown),
        "cvt" if operands == 1 => return conversion(words).ok_or_else(unknown),
        _ => match kind {
            "f32" => float::<f32>(words),
            "f64" => float::<f64>(words),
            "f16" | "f16x2" | "bf16" | "bf16x2" => None,
            _ => integer(words)?,
        },
    };
    let width = if words.contains(&"wide") { 2 * bits(kind)? } else { bits(kind)? };
    rule.map(|rule| rule.masked(width)).ok_or_else(unknown)
}

pub(super) fn masked(value: u64, width: u32) -> u64 {
    if width >= 64 { value } else { value & ((1 << width) - 1) }
}

/// A number of so many bits with a sign.
pub(super) fn signed(value: u64, width: u32) -> i64 {
    let unused = 64 - width.min(64);
    (value << unused).cast_signed() >> unused
}

/// Bits beyond those of the type are cut off by whoever asks.
fn integer(words: &[&str]) -> Result<Option<Rule>, String> {
    let kind = words.last().copied().unwrap_or_default();
    let width = bits(kind)?;
    let is_signed = kind.starts_with('s');
    let has = |word: &str| words.contains(&word);
    // The value of an operand, and the lowest bits of a result.
    let value = move |bits: u64| {
        if is_signed { i128::from(signed(bits, width)) } else { i128::from(masked(bits, width)) }
    };
    let low = |value: i128| value.cast_unsigned() as u64;
    let two =
        |of: fn(i128, i128) -> i128| Rule::new(move |[a, b, ..]| low(of(value(*a), value(*b))));
    Ok(Some(match words[0] {
        "add" => Rule::new(|[a, b, ..]| a.wrapping_add(*b)),
        "sub" => Rule::new(|[a, b, ..]| a.wrapping_sub(*b)),
        // The product of two numbers of 64 bits has a sign or does not fit in one.
        "mul" if has("hi") && is_signed => {
            Rule::new(move |[a, b, ..]| low((value(*a) * value(*b)) >> width))
        }
        "mul" if has("hi") => Rule::new(move |[a, b, ..]| {
            ((value(*a).cast_unsigned() * value(*b).cast_unsigned()) >> width) as u64
        }),
        "mul" => two(i128::wrapping_mul),
        "mad" if has("wide") => {
            Rule::new(move |[a, b, c, _]| low(value(*a).wrapping_mul(value(*b))).wrapping_add(*c))
        }
        "mad" if has("lo") => Rule::new(|[a, b, c, _]| a.wrapping_mul(*b).wrapping_add(*c)),
        "div" => two(|a, b| a.checked_div(b).unwrap_or(-1)),
        "rem" => two(|a, b| a.checked_rem(b).unwrap_or(-1)),
        "min" => two(i128::min),
        "max" => two(i128::max),
        "abs" => two(|a, _| a.abs()),
        "neg" => Rule::new(|[a, ..]| a.wrapping_neg()),
        "and" => Rule::new(|[a, b, ..]| a & b),
        "or" => Rule::new(|[a, b, ..]| a | b),
        "xor" => Rule::new(|[a, b, ..]| a ^ b),
        "not" => Rule::new(|[a, ..]| !a),
        // A shift by the width or more leaves nothing but the sign.
        "shl" => Rule::new(move |[a, by, ..]| match amount(*by) {
            by if by >= width => 0,
            by => a << by,
        }),
        "shr" => Rule::new(move |[a, by, ..]| low(value(*a) >> amount(*by))),
        "bfe" if is_signed => Rule::new(move |[a, from, count, _]| {
            let [from, count] = [from, count].map(|it| masked(*it, 8) as u32);
            if count == 0 {
                return 0;
            }
            signed(low(value(*a) >> from.min(127)), count).cast_unsigned()
        }),
        _ => return Ok(of_bits(words, width)),
    }))
}

/// How far a shift goes, or farther than any number is long.
fn amount(by: u64) -> u32 {
    u32::try_from(masked(by, 32)).unwrap_or(u32::MAX).min(127)
}

/// What looks at single bits of numbers of this width.
fn of_bits(words: &[&str], width: u32) -> Option<Rule> {
    let is_left = words.contains(&"l");
    Some(match words[0] {
        "bfe" => Rule::new(move |[a, from, count, _]| field(masked(*a, width), *from, *count)),
        // Bits of the first operand, put into the second.
        "bfi" => Rule::new(|[a, b, from, count]| {
            let [from, count] = [from, count].map(|it| masked(*it, 8) as u32);
            let mask = masked(u64::MAX, count).checked_shl(from).unwrap_or(0);
            (b & !mask) | (a.checked_shl(from).unwrap_or(0) & mask)
        }),
        "brev" => Rule::new(move |[a, ..]| masked(*a, width).reverse_bits() >> (64 - width)),
        "clz" => {
            Rule::new(move |[a, ..]| u64::from(masked(*a, width).leading_zeros() - (64 - width)))
        }
        "popc" => Rule::new(move |[a, ..]| u64::from(masked(*a, width).count_ones())),
        "prmt" => Rule::new(|[a, b, choice, _]| permuted(*a, *b, *choice)),
        // The upper or the lower half of two numbers side by side, shifted.
        "shf" if words.contains(&"wrap") => Rule::new(move |[a, b, by, _]| {
            let (both, by) = (masked(*a, 32) | (b << 32), by & 31);
            if is_left { (both << by) >> 32 } else { both >> by }
        }),
        _ => return None,
    })
}

/// So many bits of a number from one on; where they begin and how many they are is said by eight bits each.
fn field(value: u64, from: u64, count: u64) -> u64 {
    let [from, count] = [from, count].map(|it| masked(it, 8) as u32);
    masked(value.checked_shr(from).unwrap_or(0), count)
}

/// Four of eight bytes, each chosen by four bits, of which the highest asks for its sign instead.
fn permuted(a: u64, b: u64, choice: u64) -> u64 {
    let bytes = masked(a, 32) | (b << 32);
    (0..4).fold(0, |all, at| {
        let chosen = (choice >> (4 * at)) & 0xF;
        let byte = (bytes >> (8 * (chosen & 7))) & 0xFF;
        let byte = if chosen & 8 == 0 { byte } else { 0xFF * (byte >> 7) };
        all | (byte << (8 * at))
    })
}

/// A type of floats.
trait Float:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ONE: Self;
    const NAN: Self;
    fn of(bits: u64) -> Self;
    fn bits(self) -> u64;
    fn is_nan(self) -> bool;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    fn copysign(self, sign: Self) -> Self;
    fn total_cmp(self, other: Self) -> Ordering;
}

macro_rules! float {
    ($type:ident, $bits:ident) => {
        impl Float for $type {
            const ONE: Self = 1.0;
            const NAN: Self = Self::NAN;
            fn of(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn abs(self) -> Self {
                self.abs()
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            fn mul_add(self, factor: Self, summand: Self) -> Self {
                self.mul_add(factor, summand)
            }
            fn copysign(self, sign: Self) -> Self {
                self.copysign(sign)
            }
            fn total_cmp(self, other: Self) -> Ordering {
                Self::total_cmp(&self, &other)
            }
        }
    };
}

float!(f32, u32);
float!(f64, u64);

/// Every operation is rounded once, to the nearest number.
fn float<F: Float>(words: &[&str]) -> Option<Rule> {
    let rounded = words.contains(&"rn");
    let keeps_nan = words.contains(&"NaN");
    let three = |of: fn(F, F, F) -> F| {
        Rule::new(move |[a, b, c, _]| of(F::of(*a), F::of(*b), F::of(*c)).bits())
    };
    Some(match words[0] {
        "add" => three(|a, b, _| a + b),
        "sub" => three(|a, b, _| a - b),
        "mul" => three(|a, b, _| a * b),
        "div" if rounded => three(|a, b, _| a / b),
        "rcp" if rounded => three(|a, _, _| F::ONE / a),
        "sqrt" if rounded => three(|a, _, _| a.sqrt()),
        "fma" if rounded => three(F::mul_add),
        "abs" => three(|a, _, _| a.abs()),
        "neg" => three(|a, _, _| -a),
        "copysign" => three(|a, b, _| b.copysign(a)),
        "min" if keeps_nan => three(|a, b, _| both(a, b, F::NAN, Ordering::Less)),
        "max" if keeps_nan => three(|a, b, _| both(a, b, F::NAN, Ordering::Greater)),
        "min" => three(|a, b, _| both(a, b, other(a, b), Ordering::Less)),
        "max" => three(|a, b, _| both(a, b, other(a, b), Ordering::Greater)),
        _ => return None,
    })
}

/// The one of two numbers whose order to the other is this, with zeros by their signs.
fn both<F: Float>(a: F, b: F, if_nan: F, order: Ordering) -> F {
    match (a.is_nan() || b.is_nan(), a.total_cmp(b) == order) {
        (true, _) => if_nan,
        (false, true) => a,
        (false, false) => b,
    }
}

/// The one of two that is a number, if one is.
fn other<F: Float>(a: F, b: F) -> F {
    if a.is_nan() { b } else { a }
}

/// `setp.lt.f32 a, b` and `setp.lt.and.f32 a, b, c`.
fn comparison(words: &[&str]) -> Option<Rule> {
    let [_, word, .., kind] = *words else { return None };
    let holds = condition(word)?;
    let width = bits(kind).ok()?;
    let compare: Box<dyn Fn(u64, u64) -> Option<Ordering> + Send + Sync> = match kind {
        "f32" => Box::new(|a, b| f32::of(a).partial_cmp(&f32::of(b))),
        "f64" => Box::new(|a, b| f64::of(a).partial_cmp(&f64::of(b))),
        _ if kind.starts_with('s') => {
            Box::new(move |a, b| Some(signed(a, width).cmp(&signed(b, width))))
        }
        _ => Box::new(move |a, b| Some(masked(a, width).cmp(&masked(b, width)))),
    };
    let with: fn(bool, bool) -> bool = match words[2] {
        "and" => |holds, other| holds && other,
        "or" => |holds, other| holds || other,
        "xor" => |holds, other| holds != other,
        _ => |holds, _| holds,
    };
    Some(Rule::new(move |[a, b, c, _]| u64::from(with(holds(compare(*a, *b)), *c != 0))))
}

/// Whether two values whose order this is, which a NaN has none of, are as the word says.
fn condition(word: &str) -> Option<impl Fn(Option<Ordering>) -> bool + Send + Sync + 'static> {
    let plain = word.strip_suffix('u').filter(|plain| plain.len() == 2).unwrap_or(word);
    // Of numbers and NaN no comparison holds, unless its name ends in `u`.
    let of_nan = plain != word || word == "nan";
    let holds: fn(Ordering) -> bool = match plain {
        "num" => |_| true,
        "nan" => |_| false,
        "eq" => Ordering::is_eq,
        "ne" => Ordering::is_ne,
        "lt" | "lo" => Ordering::is_lt,
        "le" | "ls" => Ordering::is_le,
        "gt" | "hi" => Ordering::is_gt,
        "ge" | "hs" => Ordering::is_ge,
        _ => return None,
    };
    Some(move |order: Option<Ordering>| order.map_or(of_nan, holds))
}

/// `cvt.rzi.s32.f32 a`: to the first type from the second.
fn conversion(words: &[&str]) -> Option<Rule> {
    let [_, .., to, from] = *words else { return None };
    let (width, source) = (bits(to).ok()?, bits(from).ok()?);
    let rounding = (words.len() > 3).then_some(words[1]);
    let whole: Option<fn(f64) -> f64> = match rounding {
        Some("rni") => Some(f64::round_ties_even),
        Some("rzi") => Some(f64::trunc),
        Some("rmi") => Some(f64::floor),
        Some("rpi") => Some(f64::ceil),
        Some("rn") | None => None,
        Some(_) => return None,
    };
    let [to_float, from_float] = floats([to, from], rounding)?;
    let number = move |bits: u64| {
        let element = from_float.unwrap_or(Element::F64);
        Scalar { element, bits: masked(bits, source) }.to_f64()
    };
    let float = move |number: f64| Scalar::from_f64(to_float.unwrap_or(Element::F64), number).bits;
    Some(match (to_float.is_some(), from_float.is_some()) {
        (true, true) => {
            let whole = whole.unwrap_or(|number| number);
            Rule::new(move |[a, ..]| float(whole(number(*a))))
        }
        (false, true) => {
            let (whole, range) = (whole?, range(to, width));
            // The highest bit where 64 bits are on either side.
            let of_nan = if width == 64 || source == 64 { 1 << (width - 1) } else { 0 };
            Rule::new(move |[a, ..]| match number(*a) {
                number if number.is_nan() => of_nan,
                number => {
                    let nearest = (whole(number) as i128).clamp(range.0, range.1);
                    masked(nearest.cast_unsigned() as u64, width)
                }
            })
        }
        (true, false) => match (from.starts_with('s'), width) {
            (true, 32) => Rule::new(move |[a, ..]| (signed(*a, source) as f32).bits()),
            (true, _) => Rule::new(move |[a, ..]| (signed(*a, source) as f64).bits()),
            (false, 32) => Rule::new(move |[a, ..]| (masked(*a, source) as f32).bits()),
            (false, _) => Rule::new(move |[a, ..]| (masked(*a, source) as f64).bits()),
        },
        (false, false) if from.starts_with('s') => {
            Rule::new(move |[a, ..]| masked(signed(*a, source).cast_unsigned(), width))
        }
        (false, false) => Rule::new(move |[a, ..]| masked(masked(*a, source), width)),
    })
}

/// Which of the types that a conversion goes to and from are floats; none if there is no such conversion.
fn floats(kinds: [&str; 2], rounding: Option<&str>) -> Option<[Option<Element>; 2]> {
    let element = |kind: &str| match kind {
        "f16" => Some(Some(Element::F16)),
        "f32" => Some(Some(Element::F32)),
        "f64" => Some(Some(Element::F64)),
        kind => (!kind.starts_with("bf")).then_some(None),
    };
    let floats = [element(kinds[0])?, element(kinds[1])?];
    // 16 bits are made of an `f32` alone, and to the nearest; only an `f32` is made of them.
    let is_known = match floats {
        [Some(Element::F16), from] => from == Some(Element::F32) && rounding == Some("rn"),
        [to, Some(Element::F16)] => to == Some(Element::F32) && rounding.is_none(),
        _ => true,
    };
    is_known.then_some(floats)
}

/// The least and the largest number of a type.
fn range(kind: &str, width: u32) -> (i128, i128) {
    if kind.starts_with('s') {
        (-(1_i128 << (width - 1)), (1_i128 << (width - 1)) - 1)
    } else {
        (0, (1_i128 << width) - 1)
    }
}
