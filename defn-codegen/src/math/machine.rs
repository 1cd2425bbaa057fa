//! What a machine must be able to do for the polynomials of this folder.
//!
//! In:  nothing.   Out: the trait [`Machine`], about sixty plain operations on lanes.
//!
//! A value of a machine is a bundle of lanes, one or many; each operation acts on each lane alone.
//! Every operation is one plain vector instruction of LLVM or one of its exact intrinsics, so two
//! machines that keep to the letter of IEEE 754 agree on every bit of every result.
//! There is one freedom: sign and payload of a NaN are unspecified, and no function here looks at them.
//!
//! Some machines have one instruction for what others need many for. Those are shortcuts: they answer `None` where there is none, and
//! `pieces` has what they must equal on every bit.
//!
//! Never here: fast-math, conversions of floats to integers (out of range they have no
//! common meaning; the functions read integers out of the low bits of a large float).

/// Lanes of floats, integers and truth values, and the exact operations on them.
///
/// Floats round to nearest, ties to even, and keep subnormal numbers.
/// Integers wrap around.
/// Shift amounts are smaller than the width.
pub trait Machine {
    /// Lanes of `f32`.
    type F32: Copy;
    /// Lanes of `f64`.
    type F64: Copy;
    /// Lanes of 32 bits, read as signed where a sign matters.
    type I32: Copy;
    /// Lanes of 64 bits, read as signed where a sign matters.
    type I64: Copy;
    /// Lanes of one bit.
    type Mask: Copy;
    /// What a machine must know to end what it began with [`Machine::begin_rare`].
    type Rare;

    /// The same `f32` in every lane.
    fn f32(&mut self, value: f32) -> Self::F32;
    /// The sum.
    fn add_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The difference.
    fn sub_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The product.
    fn mul_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The quotient.
    fn div_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once.
    fn fma_f32(&mut self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// The argument with its sign bit flipped.
    fn neg_f32(&mut self, a: Self::F32) -> Self::F32;
    /// The argument with its sign bit cleared.
    fn abs_f32(&mut self, a: Self::F32) -> Self::F32;
    /// The square root.
    fn sqrt_f32(&mut self, a: Self::F32) -> Self::F32;
    /// Is `a < b`? No, if one is NaN.
    fn lt_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// Is `a <= b`? No, if one is NaN.
    fn le_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// Is `a == b`? No, if one is NaN.
    fn eq_f32(&mut self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a` where the mask is true, else `b`.
    fn select_f32(&mut self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The bit pattern.
    fn bits_f32(&mut self, a: Self::F32) -> Self::I32;
    /// The `f32` with this bit pattern.
    fn float_i32(&mut self, a: Self::I32) -> Self::F32;

    /// The same `f64` in every lane.
    fn f64(&mut self, value: f64) -> Self::F64;
    /// The sum.
    fn add_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    /// The difference.
    fn sub_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    /// The product.
    fn mul_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    /// The quotient.
    fn div_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::F64;
    /// `a * b + c`, rounded once.
    fn fma_f64(&mut self, a: Self::F64, b: Self::F64, c: Self::F64) -> Self::F64;
    /// The argument with its sign bit flipped.
    fn neg_f64(&mut self, a: Self::F64) -> Self::F64;
    /// The argument with its sign bit cleared.
    fn abs_f64(&mut self, a: Self::F64) -> Self::F64;
    /// The square root.
    fn sqrt_f64(&mut self, a: Self::F64) -> Self::F64;
    /// The nearest integer, ties to even.
    fn round_even_f64(&mut self, a: Self::F64) -> Self::F64;
    /// Is `a < b`? No, if one is NaN.
    fn lt_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::Mask;
    /// Is `a <= b`? No, if one is NaN.
    fn le_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::Mask;
    /// Is `a == b`? No, if one is NaN.
    fn eq_f64(&mut self, a: Self::F64, b: Self::F64) -> Self::Mask;
    /// `a` where the mask is true, else `b`.
    fn select_f64(&mut self, mask: Self::Mask, a: Self::F64, b: Self::F64) -> Self::F64;
    /// The bit pattern.
    fn bits_f64(&mut self, a: Self::F64) -> Self::I64;
    /// The `f64` with this bit pattern.
    fn float_i64(&mut self, a: Self::I64) -> Self::F64;

    /// The same 32 bits in every lane.
    fn i32(&mut self, value: i32) -> Self::I32;
    /// The sum.
    fn add_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The difference.
    fn sub_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The bits that both have.
    fn and_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The bits that exactly one has.
    fn xor_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Towards the high bits, zeros enter.
    fn shl_i32(&mut self, a: Self::I32, amount: u32) -> Self::I32;
    /// Towards the low bits, zeros enter.
    fn shr_i32(&mut self, a: Self::I32, amount: u32) -> Self::I32;
    /// Is `a == b`?
    fn eq_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::Mask;
    /// Is `a < b`, as signed numbers?
    fn lt_i32(&mut self, a: Self::I32, b: Self::I32) -> Self::Mask;
    /// `a` where the mask is true, else `b`.
    fn select_i32(&mut self, mask: Self::Mask, a: Self::I32, b: Self::I32) -> Self::I32;

    /// The same 64 bits in every lane.
    fn i64(&mut self, value: i64) -> Self::I64;
    /// The sum.
    fn add_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::I64;
    /// The difference.
    fn sub_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::I64;
    /// The bits that both have.
    fn and_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::I64;
    /// The bits that one has.
    fn or_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::I64;
    /// The bits that exactly one has.
    fn xor_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::I64;
    /// Towards the high bits, zeros enter.
    fn shl_i64(&mut self, a: Self::I64, amount: u32) -> Self::I64;
    /// Towards the low bits, zeros enter.
    fn shr_i64(&mut self, a: Self::I64, amount: u32) -> Self::I64;
    /// Is `a == b`?
    fn eq_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::Mask;
    /// Is `a < b`, as signed numbers?
    fn lt_i64(&mut self, a: Self::I64, b: Self::I64) -> Self::Mask;
    /// `a` where the mask is true, else `b`.
    fn select_i64(&mut self, mask: Self::Mask, a: Self::I64, b: Self::I64) -> Self::I64;

    /// True where both are.
    fn and_mask(&mut self, a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where one is.
    fn or_mask(&mut self, a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where the argument is not.
    fn not_mask(&mut self, a: Self::Mask) -> Self::Mask;

    /// The same number, exactly.
    fn f32_to_f64(&mut self, a: Self::F32) -> Self::F64;
    /// The nearest `f32`, ties to even, infinite past the range.
    fn f64_to_f32(&mut self, a: Self::F64) -> Self::F32;
    /// The nearest `f32` of a signed number.
    fn i32_to_f32(&mut self, a: Self::I32) -> Self::F32;
    /// The low 32 bits.
    fn i64_to_i32(&mut self, a: Self::I64) -> Self::I32;
    /// The same bits below zeros.
    fn i32_to_i64(&mut self, a: Self::I32) -> Self::I64;
    /// `table[index]` in every lane; each index is inside the table, even where the lane is NaN.
    fn lookup_i64(&mut self, table: &'static [u64], index: Self::I64) -> Self::I64;
    /// `table[index % table.len()]` in every lane, for a table of 8 or 16 entries.
    fn choose_f32(&mut self, table: &'static [f32], index: Self::I32) -> Self::F32;

    /// From here to [`Machine::end_rare_f32`] everything serves lanes where the mask is true, and need not happen if there are none.
    fn begin_rare(&mut self, mask: Self::Mask) -> Self::Rare;
    /// `unusual` where the mask of the beginning is true, else `usual`.
    fn end_rare_f32(
        &mut self,
        rare: Self::Rare,
        mask: Self::Mask,
        unusual: Self::F32,
        usual: Self::F32,
    ) -> Self::F32;

    /// A shortcut: `x · 2^⌊exponent⌋`, rounded once; NaN stays.
    fn scale_f32(&mut self, _x: Self::F32, _exponent: Self::F32) -> Option<Self::F32> {
        None
    }
    /// A shortcut: `x · 2^⌊exponent⌋`, rounded once, for exponents of less than 2^20; NaN stays.
    fn scale_f64(&mut self, _x: Self::F64, _exponent: Self::F64) -> Option<Self::F64> {
        None
    }
    /// Whether there is a shortcut [`Machine::bound_f32`]; then [`Machine::scale_f32`] takes every exponent, infinite ones and NaN too.
    fn bounds_f32(&self) -> bool {
        false
    }
    /// A shortcut, where there is one: `x`, but what is further from zero than `bound` is one of the two bounds, and so is NaN.
    fn bound_f32(&mut self, x: Self::F32, _bound: f32) -> Self::F32 {
        x
    }
    /// A shortcut: `x = 2^k m` with `m` in `0.75 .. 1.5`, as `(k, m)`.
    /// Of zero and infinity `k` is infinite and `m` finite; of a negative number and of NaN `m` is NaN.
    fn split_f32(&mut self, _x: Self::F32) -> Option<(Self::F32, Self::F32)> {
        None
    }
}
