//! The machine of one lane, made of Rust's own operations.
//!
//! In:  numbers.   Out: the numbers that every other machine must give, bit for bit.
//!
//! The evaluator of loops computes with it, and so do the tests that measure accuracy.

use super::machine::Machine;

/// One lane on the host's own floats and integers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar;

impl Machine for Scalar {
    type F32 = f32;
    type F64 = f64;
    type I32 = i32;
    type I64 = i64;
    type Mask = bool;
    type Rare = ();

    fn f32(&mut self, value: f32) -> f32 {
        value
    }
    fn add_f32(&mut self, a: f32, b: f32) -> f32 {
        a + b
    }
    fn sub_f32(&mut self, a: f32, b: f32) -> f32 {
        a - b
    }
    fn mul_f32(&mut self, a: f32, b: f32) -> f32 {
        a * b
    }
    fn div_f32(&mut self, a: f32, b: f32) -> f32 {
        a / b
    }
    fn fma_f32(&mut self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    fn neg_f32(&mut self, a: f32) -> f32 {
        -a
    }
    fn abs_f32(&mut self, a: f32) -> f32 {
        a.abs()
    }
    fn sqrt_f32(&mut self, a: f32) -> f32 {
        a.sqrt()
    }
    fn lt_f32(&mut self, a: f32, b: f32) -> bool {
        a < b
    }
    fn le_f32(&mut self, a: f32, b: f32) -> bool {
        a <= b
    }
    fn eq_f32(&mut self, a: f32, b: f32) -> bool {
        a == b
    }
    fn select_f32(&mut self, mask: bool, a: f32, b: f32) -> f32 {
        if mask { a } else { b }
    }
    fn bits_f32(&mut self, a: f32) -> i32 {
        a.to_bits().cast_signed()
    }
    fn float_i32(&mut self, a: i32) -> f32 {
        f32::from_bits(a.cast_unsigned())
    }

    fn f64(&mut self, value: f64) -> f64 {
        value
    }
    fn add_f64(&mut self, a: f64, b: f64) -> f64 {
        a + b
    }
    fn sub_f64(&mut self, a: f64, b: f64) -> f64 {
        a - b
    }
    fn mul_f64(&mut self, a: f64, b: f64) -> f64 {
        a * b
    }
    fn div_f64(&mut self, a: f64, b: f64) -> f64 {
        a / b
    }
    fn fma_f64(&mut self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    fn neg_f64(&mut self, a: f64) -> f64 {
        -a
    }
    fn abs_f64(&mut self, a: f64) -> f64 {
        a.abs()
    }
    fn sqrt_f64(&mut self, a: f64) -> f64 {
        a.sqrt()
    }
    fn round_even_f64(&mut self, a: f64) -> f64 {
        a.round_ties_even()
    }
    fn lt_f64(&mut self, a: f64, b: f64) -> bool {
        a < b
    }
    fn le_f64(&mut self, a: f64, b: f64) -> bool {
        a <= b
    }
    fn eq_f64(&mut self, a: f64, b: f64) -> bool {
        a == b
    }
    fn select_f64(&mut self, mask: bool, a: f64, b: f64) -> f64 {
        if mask { a } else { b }
    }
    fn bits_f64(&mut self, a: f64) -> i64 {
        a.to_bits().cast_signed()
    }
    fn float_i64(&mut self, a: i64) -> f64 {
        f64::from_bits(a.cast_unsigned())
    }

    fn i32(&mut self, value: i32) -> i32 {
        value
    }
    fn add_i32(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    fn sub_i32(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_sub(b)
    }
    fn and_i32(&mut self, a: i32, b: i32) -> i32 {
        a & b
    }
    fn xor_i32(&mut self, a: i32, b: i32) -> i32 {
        a ^ b
    }
    fn shl_i32(&mut self, a: i32, amount: u32) -> i32 {
        a << amount
    }
    fn shr_i32(&mut self, a: i32, amount: u32) -> i32 {
        (a.cast_unsigned() >> amount).cast_signed()
    }
    fn eq_i32(&mut self, a: i32, b: i32) -> bool {
        a == b
    }
    fn lt_i32(&mut self, a: i32, b: i32) -> bool {
        a < b
    }
    fn select_i32(&mut self, mask: bool, a: i32, b: i32) -> i32 {
        if mask { a } else { b }
    }

    fn i64(&mut self, value: i64) -> i64 {
        value
    }
    fn add_i64(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
    fn sub_i64(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_sub(b)
    }
    fn and_i64(&mut self, a: i64, b: i64) -> i64 {
        a & b
    }
    fn or_i64(&mut self, a: i64, b: i64) -> i64 {
        a | b
    }
    fn xor_i64(&mut self, a: i64, b: i64) -> i64 {
        a ^ b
    }
    fn shl_i64(&mut self, a: i64, amount: u32) -> i64 {
        a << amount
    }
    fn shr_i64(&mut self, a: i64, amount: u32) -> i64 {
        (a.cast_unsigned() >> amount).cast_signed()
    }
    fn eq_i64(&mut self, a: i64, b: i64) -> bool {
        a == b
    }
    fn lt_i64(&mut self, a: i64, b: i64) -> bool {
        a < b
    }
    fn select_i64(&mut self, mask: bool, a: i64, b: i64) -> i64 {
        if mask { a } else { b }
    }

    fn and_mask(&mut self, a: bool, b: bool) -> bool {
        a & b
    }
    fn or_mask(&mut self, a: bool, b: bool) -> bool {
        a | b
    }
    fn not_mask(&mut self, a: bool) -> bool {
        !a
    }

    fn f32_to_f64(&mut self, a: f32) -> f64 {
        f64::from(a)
    }
    fn f64_to_f32(&mut self, a: f64) -> f32 {
        a as f32
    }
    fn i32_to_f32(&mut self, a: i32) -> f32 {
        a as f32
    }
    fn i64_to_i32(&mut self, a: i64) -> i32 {
        a as i32
    }
    fn i32_to_i64(&mut self, a: i32) -> i64 {
        i64::from(a.cast_unsigned())
    }
    fn lookup_i64(&mut self, table: &'static [u64], index: i64) -> i64 {
        table[index as usize].cast_signed()
    }
    fn choose_f32(&mut self, table: &'static [f32], index: i32) -> f32 {
        table[index.cast_unsigned() as usize % table.len()]
    }
    fn begin_rare(&mut self, _mask: bool) {}
    fn end_rare_f32(&mut self, (): (), mask: bool, unusual: f32, usual: f32) -> f32 {
        if mask { unusual } else { usual }
    }
}
