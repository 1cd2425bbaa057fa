//! What instructions compute.
//!
//! In: the words of an instruction and the bits of its operands.   Out: the bits of its result.
//!
//! ```text
//! fma.rn.f32 a, b, c      a · b + c, rounded once
//! shr.s32 a, n            floor(a / 2ⁿ), of any n
//! cvt.rzi.s32.f32 a       towards zero, to the nearest that there is; a NaN is 0
//! ```

use super::module::bits;
use crate::graph::{Element, Scalar};

/// The result of an instruction without effects.
pub(super) fn compute(words: &[String], operands: &[u64]) -> Result<u64, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let kind = words.last().copied().unwrap_or_default();
    let unknown = || format!("`{}` is not known", words.join("."));
    let result = match words[0] {
        "mov" => operands.first().copied(),
        "selp" => match operands {
            [then, otherwise, condition] => Some(if *condition == 0 { *otherwise } else { *then }),
            _ => None,
        },
        "setp" => return compare(&words, operands).ok_or_else(unknown),
        "cvt" => return convert(&words, operands[0]).ok_or_else(unknown),
        _ => match kind {
            "f32" => single(&words, operands),
            "f64" => double(&words, operands),
            "f16" | "f16x2" | "bf16" | "bf16x2" => None,
            _ => integer(&words, operands)?,
        },
    };
    let result = result.ok_or_else(unknown)?;
    let width = if words.contains(&"wide") { 2 * bits(kind)? } else { bits(kind)? };
    Ok(masked(result, width))
}

pub(super) fn masked(value: u64, width: u32) -> u64 {
    if width >= 64 { value } else { value & ((1 << width) - 1) }
}

/// A number of so many bits with a sign.
fn signed(value: u64, width: u32) -> i64 {
    let unused = 64 - width.min(64);
    (value << unused).cast_signed() >> unused
}

fn integer(words: &[&str], operands: &[u64]) -> Result<Option<u64>, String> {
    let kind = words.last().copied().unwrap_or_default();
    let width = bits(kind)?;
    let is_signed = kind.starts_with('s');
    let at = |position: usize| operands.get(position).copied().unwrap_or_default();
    let wide = |position: usize| {
        if is_signed {
            i128::from(signed(at(position), width))
        } else {
            i128::from(masked(at(position), width))
        }
    };
    let (a, b) = (wide(0), wide(1));
    let low = |value: i128| value.cast_unsigned() as u64;
    // A shift by the width or more leaves nothing but the sign.
    let amount = u32::try_from(masked(at(1), 32)).unwrap_or(u32::MAX).min(127);
    Ok(Some(match words[0] {
        "add" => low(a + b),
        "sub" => low(a - b),
        "mul" if words.contains(&"hi") && is_signed => low((a * b) >> width),
        "mul" if words.contains(&"hi") => ((a.cast_unsigned() * b.cast_unsigned()) >> width) as u64,
        "mul" => low(a.wrapping_mul(b)),
        "mad" if words.contains(&"wide") => low(a.wrapping_mul(b)).wrapping_add(at(2)),
        "mad" if words.contains(&"lo") => low(a.wrapping_mul(b).wrapping_add(wide(2))),
        "div" | "rem" if b == 0 => u64::MAX,
        "div" => low(a / b),
        "rem" => low(a % b),
        "min" => low(a.min(b)),
        "max" => low(a.max(b)),
        "abs" => low(a.abs()),
        "neg" => low(-a),
        "and" => at(0) & at(1),
        "or" => at(0) | at(1),
        "xor" => at(0) ^ at(1),
        "not" => !at(0),
        "shl" if amount >= width => 0,
        "shl" => at(0) << amount,
        "shr" => low(a >> amount),
        "bfe" if is_signed => match (masked(at(1), 8) as u32, masked(at(2), 8) as u32) {
            (_, 0) => 0,
            (from, count) => signed(low(a >> from.min(127)), count).cast_unsigned(),
        },
        _ => return Ok(of_bits(words, operands, width)),
    }))
}

/// What looks at single bits of numbers of this width.
fn of_bits(words: &[&str], operands: &[u64], width: u32) -> Option<u64> {
    let at = |position: usize| operands.get(position).copied().unwrap_or_default();
    Some(match words[0] {
        "bfe" => field(masked(at(0), width), at(1), at(2)),
        // Bits of the first operand, put into the second.
        "bfi" => {
            let (from, count) = (masked(at(2), 8) as u32, masked(at(3), 8) as u32);
            let mask = masked(u64::MAX, count).checked_shl(from).unwrap_or(0);
            (at(1) & !mask) | (at(0).checked_shl(from).unwrap_or(0) & mask)
        }
        "brev" => masked(at(0), width).reverse_bits() >> (64 - width),
        "clz" => u64::from(masked(at(0), width).leading_zeros() - (64 - width)),
        "popc" => u64::from(masked(at(0), width).count_ones()),
        "prmt" => permuted(at(0), at(1), at(2)),
        // The upper or the lower half of two numbers side by side, shifted.
        "shf" if words.contains(&"wrap") => {
            let both = masked(at(0), 32) | (at(1) << 32);
            let by = at(2) & 31;
            if words.contains(&"l") { (both << by) >> 32 } else { both >> by }
        }
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

fn single(words: &[&str], operands: &[u64]) -> Option<u64> {
    let at = |position: usize| f32::from_bits(operands.get(position).copied().unwrap_or(0) as u32);
    let (a, b) = (at(0), at(1));
    let keeps_nan = words.contains(&"NaN");
    let result = match words[0] {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" if words.contains(&"rn") => a / b,
        "rcp" if words.contains(&"rn") => 1.0 / a,
        "sqrt" if words.contains(&"rn") => a.sqrt(),
        "fma" => a.mul_add(b, at(2)),
        "abs" => a.abs(),
        "neg" => -a,
        "copysign" => b.copysign(a),
        "min" | "max" if a.is_nan() || b.is_nan() => match (keeps_nan, a.is_nan()) {
            (true, _) => f32::NAN,
            (false, true) => b,
            (false, false) => a,
        },
        "min" => {
            if a.total_cmp(&b).is_lt() {
                a
            } else {
                b
            }
        }
        "max" => {
            if a.total_cmp(&b).is_gt() {
                a
            } else {
                b
            }
        }
        _ => return None,
    };
    (!words.contains(&"ftz")).then(|| u64::from(result.to_bits()))
}

fn double(words: &[&str], operands: &[u64]) -> Option<u64> {
    let at = |position: usize| f64::from_bits(operands.get(position).copied().unwrap_or(0));
    let (a, b) = (at(0), at(1));
    let result = match words[0] {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" if words.contains(&"rn") => a / b,
        "rcp" if words.contains(&"rn") => 1.0 / a,
        "sqrt" if words.contains(&"rn") => a.sqrt(),
        "fma" => a.mul_add(b, at(2)),
        "abs" => a.abs(),
        "neg" => -a,
        "copysign" => b.copysign(a),
        "min" | "max" if a.is_nan() => b,
        "min" | "max" if b.is_nan() => a,
        "min" => {
            if a.total_cmp(&b).is_lt() {
                a
            } else {
                b
            }
        }
        "max" => {
            if a.total_cmp(&b).is_gt() {
                a
            } else {
                b
            }
        }
        _ => return None,
    };
    Some(result.to_bits())
}

/// `setp.lt.f32 a, b` and `setp.lt.and.f32 a, b, c`.
fn compare(words: &[&str], operands: &[u64]) -> Option<u64> {
    let kind = *words.last()?;
    let (a, b) = (*operands.first()?, *operands.get(1)?);
    let (ordering, word) = match kind {
        "f32" => (f32::from_bits(a as u32).partial_cmp(&f32::from_bits(b as u32)), words[1]),
        "f64" => (f64::from_bits(a).partial_cmp(&f64::from_bits(b)), words[1]),
        _ => {
            let width = bits(kind).ok()?;
            let ordering = if kind.starts_with('s') {
                signed(a, width).cmp(&signed(b, width))
            } else {
                masked(a, width).cmp(&masked(b, width))
            };
            (Some(ordering), words[1])
        }
    };
    let plain = word.strip_suffix('u').filter(|plain| plain.len() == 2).unwrap_or(word);
    let holds = match (plain, ordering) {
        ("num", ordering) => ordering.is_some(),
        ("nan", ordering) => ordering.is_none(),
        // Of numbers and NaN no comparison holds, unless its name ends in `u`.
        (_, None) => plain != word,
        ("eq", Some(ordering)) => ordering.is_eq(),
        ("ne", Some(ordering)) => ordering.is_ne(),
        ("lt" | "lo", Some(ordering)) => ordering.is_lt(),
        ("le" | "ls", Some(ordering)) => ordering.is_le(),
        ("gt" | "hi", Some(ordering)) => ordering.is_gt(),
        ("ge" | "hs", Some(ordering)) => ordering.is_ge(),
        _ => return None,
    };
    let other = operands.get(2).is_some_and(|other| *other != 0);
    Some(u64::from(match words[2] {
        "and" => holds && other,
        "or" => holds || other,
        "xor" => holds != other,
        _ => holds,
    }))
}

/// `cvt.rzi.s32.f32 a`: to the first type from the second.
fn convert(words: &[&str], value: u64) -> Option<u64> {
    let [.., to, from] = words else { return None };
    let (width, source) = (bits(to).ok()?, bits(from).ok()?);
    let rounding = words[1];
    if words.contains(&"ftz") || words.contains(&"sat") {
        return None;
    }
    let whole = |number: f64| match rounding {
        "rni" => Some(number.round_ties_even()),
        "rzi" => Some(number.trunc()),
        "rmi" => Some(number.floor()),
        "rpi" => Some(number.ceil()),
        _ => None,
    };
    if from.starts_with('f') {
        let element = match *from {
            "f16" => Element::F16,
            "f32" => Element::F32,
            "f64" => Element::F64,
            _ => return None,
        };
        let number = Scalar { element, bits: masked(value, source) }.to_f64();
        if *to == "f16" {
            // Of an `f32` alone, and to the nearest.
            let is_known = rounding == "rn" && element == Element::F32;
            return is_known.then(|| Scalar::from_f64(Element::F16, number).bits);
        }
        if to.starts_with('f') {
            let number = if rounding.ends_with('i') { whole(number)? } else { number };
            return Some(if width == 32 {
                u64::from((number as f32).to_bits())
            } else {
                number.to_bits()
            });
        }
        if number.is_nan() {
            // The highest bit where 64 bits are on either side.
            return Some(if width == 64 || source == 64 { 1 << (width - 1) } else { 0 });
        }
        let (least, most) = if to.starts_with('s') {
            (-(1_i128 << (width - 1)), (1_i128 << (width - 1)) - 1)
        } else {
            (0, (1_i128 << width) - 1)
        };
        return Some(masked(
            (whole(number)? as i128).clamp(least, most).cast_unsigned() as u64,
            width,
        ));
    }
    let is_signed = from.starts_with('s');
    let (above, below) = (masked(value, source), signed(value, source));
    Some(match (*to, is_signed) {
        ("f32", true) => u64::from((below as f32).to_bits()),
        ("f32", false) => u64::from((above as f32).to_bits()),
        ("f64", true) => (below as f64).to_bits(),
        ("f64", false) => (above as f64).to_bits(),
        (_, true) => masked(below.cast_unsigned(), width),
        (_, false) => masked(above, width),
    })
}
