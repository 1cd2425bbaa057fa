//! Floats of 16 bits: what they are as numbers, and which of them is nearest to a number.
//!
//! In:  the bits of an `f16` or a `bf16`, or a number.   Out: the number, or the bits of the nearest value, ties to even.
//!
//! ```text
//! f16    sign, 5 bits of exponent, 10 of mantissa: IEEE 754's binary16
//! bf16   sign, 8 bits of exponent, 7 of mantissa: the upper half of an f32
//! ```
//!
//! Every value of both is an `f32`. What has more bits than an `f32` goes there by way of [`odd_f32`], so that it is rounded once.
//! NaN stays NaN and becomes quiet; its payload keeps the bits that there is room for.

/// The number that an `f16` is.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let mantissa = u32::from(bits & 0x3ff);
    let size = match (exponent, mantissa) {
        // What has no leading one is a multiple of the smallest positive value.
        (0, _) => (mantissa as f32 * SMALLEST_F16).to_bits(),
        (0x1f, 0) => 0x7f80_0000,
        (0x1f, _) => 0x7fc0_0000 | mantissa << 13,
        _ => (exponent + 127 - 15) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | size)
}

/// 2⁻²⁴.
const SMALLEST_F16: f32 = 1.0 / 16_777_216.0;

/// The `f16` nearest to a number.
pub fn f16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let size = bits & 0x7fff_ffff;
    if value.is_nan() {
        return sign | 0x7e00 | (size >> 13) as u16 & 0x1ff;
    }
    // 65520 lies between the largest value and the next power of two, and rounds to the even one: infinity.
    if value.abs() >= 65_520.0 {
        return sign | 0x7c00;
    }
    // Below 2⁻¹⁴ neighbours are 2⁻²⁴ apart, as those of an `f32` between 1/2 and 1: the sum rounds there.
    if value.abs() < 1.0 / 16_384.0 {
        return sign | (value.abs() + 0.5).to_bits() as u16;
    }
    // What is cut off rounds up from above the half, and at the half if the last bit that stays is odd.
    let rounded = size + 0xfff + (size >> 13 & 1);
    sign | ((rounded - (112 << 23)) >> 13) as u16
}

/// The number that a `bf16` is.
pub fn bf16_to_f32(bits: u16) -> f32 {
    let quiet = if bits & 0x7fff > 0x7f80 { 0x40 } else { 0 };
    f32::from_bits(u32::from(bits | quiet) << 16)
}

/// The `bf16` nearest to a number.
pub fn bf16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// The number, if it is an `f32`; else that of its two neighbours whose last bit is odd.
///
/// To round this to at least two bits fewer is to round the number itself: an odd last bit says that something is cut off, and so is
/// never taken for a tie.
pub fn odd_f32(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back.to_bits() == value.to_bits() || value.is_nan() {
        return nearest;
    }
    let towards_zero = nearest.to_bits() - u32::from(back.abs() > value.abs());
    f32::from_bits(towards_zero | 1)
}

/// The nearest `f64` or, of numbers that have more bits, one that rounds to fewer than 40 as the number does.
pub fn odd_i64(value: i64) -> f64 {
    sticky(value.cast_unsigned(), value.unsigned_abs()).cast_signed() as f64
}

/// As [`odd_i64`], without a sign.
pub fn odd_u64(value: u64) -> f64 {
    sticky(value, value) as f64
}

/// Where a number is large, its twelve lowest bits become one that says whether there are any.
fn sticky(bits: u64, size: u64) -> u64 {
    const LOW: u64 = 0xfff;
    if size >> 53 == 0 {
        return bits;
    }
    bits & !LOW | if bits & LOW == 0 { 0 } else { 0x800 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    #[test]
    fn every_half_is_the_number_that_others_say() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f16_to_f32(bits), f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan());
            let (ours, theirs) = (bf16_to_f32(bits), bf16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan());
            assert_eq!(f16_from_f32(f16_to_f32(bits)) | 0x200, bits | 0x200);
            assert_eq!(bf16_from_f32(bf16_to_f32(bits)) | 0x40, bits | 0x40);
        }
    }

    #[test]
    fn numbers_around_every_half_and_tie_round_as_others_do() {
        for bits in 0..=u16::MAX {
            let halves = [f16_to_f32(bits).to_bits(), u32::from(bits) << 16];
            // The lower bits of the tie above an `f16` and a `bf16`.
            for (at, tie) in halves.into_iter().zip([0x1000, 0x8000]) {
                for bits in
                    [at, at + 1, at.wrapping_sub(1), at | tie, at | (tie + 1), at | (tie - 1)]
                {
                    let value = f32::from_bits(bits);
                    assert_eq!(f16_from_f32(value), f16::from_f32(value).to_bits(), "{value:e}");
                    assert_eq!(bf16_from_f32(value), bf16::from_f32(value).to_bits(), "{value:e}");
                }
            }
        }
    }

    /// The nearest of two neighbours to a number between them, in arithmetic that rounds nothing: ties go to the even one.
    fn nearest(value: f64, low: (u16, f64), high: (u16, f64)) -> u16 {
        let (below, above) = (value - low.1, high.1 - value);
        let even = if low.0 & 1 == 0 { low.0 } else { high.0 };
        match below.total_cmp(&above) {
            std::cmp::Ordering::Less => low.0,
            std::cmp::Ordering::Equal => even,
            std::cmp::Ordering::Greater => high.0,
        }
    }

    #[test]
    fn f64_are_rounded_once() {
        let check = |number: fn(u16) -> f32, narrow: fn(f32) -> u16, last: u16| {
            for bits in 0..last {
                let [low, high] = [bits, bits + 1].map(|bits| (bits, f64::from(number(bits))));
                let middle = 0.5 * (low.1 + high.1);
                let beside = [middle.next_down(), middle, middle.next_up(), low.1.next_up()];
                for value in beside.into_iter().chain([high.1.next_down(), low.1]) {
                    let expected = nearest(value, low, high);
                    assert_eq!(narrow(odd_f32(value)), expected, "{value:e}");
                    assert_eq!(narrow(odd_f32(-value)), expected | 0x8000, "{value:e}");
                }
            }
        };
        check(f16_to_f32, f16_from_f32, 0x7bff);
        check(bf16_to_f32, bf16_from_f32, 0x7f7f);
        // Beyond the largest value there is only infinity.
        assert_eq!(f16_from_f32(odd_f32(65_520.0_f64.next_down())), 0x7bff);
        assert_eq!(f16_from_f32(odd_f32(65_520.0)), 0x7c00);
        assert_eq!(bf16_from_f32(odd_f32(f64::MAX)), 0x7f80);
    }

    #[test]
    fn integers_are_rounded_once() {
        for exponent in 8..63 {
            for top in [0x80_i64, 0x81, 0xff] {
                // The tie between two values of `bf16`, and its neighbours.
                let tie = ((top << 1) + 1) << (exponent - 8);
                if tie >> 62 != 0 || exponent < 10 {
                    continue;
                }
                for (value, rounds_up) in [(tie - 1, false), (tie, top & 1 == 1), (tie + 1, true)] {
                    let expected = bf16_from_f32((top + i64::from(rounds_up)) as f32)
                        + ((exponent - 7) << 7) as u16;
                    assert_eq!(bf16_from_f32(odd_f32(odd_i64(value))), expected, "{value}");
                    assert_eq!(bf16_from_f32(odd_f32(odd_i64(-value))), expected | 0x8000);
                    assert_eq!(bf16_from_f32(odd_f32(odd_u64(value as u64))), expected);
                }
            }
        }
    }
}
