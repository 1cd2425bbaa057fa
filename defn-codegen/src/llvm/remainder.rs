//! Rust's `%` of floats, without a library: all lanes divide by hand, bit by bit.
//!
//! In:  two floats for each lane.   Out: `x − y · trunc(x / y)`, exactly.
//!
//! With `|x| = a · 2^p` and `|y| = b · 2^q`, where a and b are whole numbers with their highest bit at the same place,
//! the remainder is found as in school: p − q times the rest is doubled, and b is taken away if it fits.
//! Lanes that are done wait for the others.
//! The remainder of two `f32` is an `f32`, so that one width is enough.

use super::ir::{IntPredicate, Opcode, Value};
use super::walk::{Typed, Walk};
use crate::graph::Element;

/// The bits of the fraction of an `f64`.
const FRACTION: i64 = (1 << 52) - 1;
/// The bits without the sign.
const MAGNITUDE: i64 = i64::MAX;
/// The bits of infinity.
const INFINITY: i64 = 0x7ff << 52;

/// A positive `f64` as `mantissa · 2^(exponent − 1075)`; the highest bit of the mantissa is bit 52.
#[derive(Clone, Copy)]
struct Parts {
    mantissa: Value,
    exponent: Value,
}

impl Walk<'_, '_> {
    /// The remainder of two floats of one type.
    pub(super) fn float_remainder(&self, a: Typed, b: Typed) -> Value {
        let wide = Typed { element: Element::F64, ..a };
        if a.element == Element::F64 {
            return self.remainder(a.raw, b.raw, a.lanes);
        }
        let [x, y] = [a, b].map(|value| self.ir.cast(Opcode::LLVMFPExt, value.raw, self.ty(wide)));
        let remainder = self.remainder(x, y, a.lanes);
        self.ir.cast(Opcode::LLVMFPTrunc, remainder, self.ty(a))
    }

    fn remainder(&self, x: Value, y: Value, lanes: u32) -> Value {
        let ir = self.ir;
        let bits = self.ty(Typed { raw: x, element: Element::I64, lanes });
        let number = |value| ir.constant_splat(ir.i64(value), lanes);
        let and = |a, mask| ir.binary(Opcode::LLVMAnd, a, number(mask));
        let [x_bits, y_bits] = [x, y].map(|value| ir.cast(Opcode::LLVMBitCast, value, bits));
        let [x_size, y_size] = [x_bits, y_bits].map(|value| and(value, MAGNITUDE));
        // Without a finite dividend and a divisor that is a number, not zero, the result is NaN.
        let below = |a, limit| ir.compare_int(IntPredicate::LLVMIntSLT, a, number(limit));
        let y_is_not_zero = ir.compare_int(IntPredicate::LLVMIntSGT, y_size, number(0));
        let y_is_number = ir.compare_int(IntPredicate::LLVMIntSLE, y_size, number(INFINITY));
        let is_defined = ir.binary(Opcode::LLVMAnd, below(x_size, INFINITY), y_is_not_zero);
        let is_defined = ir.binary(Opcode::LLVMAnd, is_defined, y_is_number);
        // Where x is smaller it is the result; elsewhere the division runs. Lanes that do not divide do so as 1 / 1.
        let is_small = ir.compare_int(IntPredicate::LLVMIntSLT, x_size, y_size);
        let not_small = ir.compare_int(IntPredicate::LLVMIntSGE, x_size, y_size);
        let divides = ir.binary(Opcode::LLVMAnd, is_defined, not_small);
        let one = number(1_f64.to_bits().cast_signed());
        let [dividend, divisor] = [x_size, y_size].map(|size| ir.select(divides, size, one));
        let rest = self.long_division(dividend, divisor, lanes);
        let sign = and(x_bits, i64::MIN);
        let rest = ir.binary(Opcode::LLVMOr, rest, sign);
        let bits = ir.select(is_small, x_bits, rest);
        let not_a_number = number(f64::NAN.to_bits().cast_signed());
        let bits = ir.select(is_defined, bits, not_a_number);
        ir.cast(Opcode::LLVMBitCast, bits, ir.type_of(x))
    }

    /// The bits of `x % y` for the bits of positive finite `x ≥ y`.
    fn long_division(&self, x: Value, y: Value, lanes: u32) -> Value {
        let ir = self.ir;
        let (x, y) = (self.parts(x, lanes), self.parts(y, lanes));
        let number = |value| ir.constant_splat(ir.i64(value), lanes);
        let take = |rest: Value| {
            let fits = ir.compare_int(IntPredicate::LLVMIntSGE, rest, y.mantissa);
            ir.select(fits, ir.binary(Opcode::LLVMSub, rest, y.mantissa), rest)
        };
        let first = take(x.mantissa);
        let steps = ir.binary(Opcode::LLVMSub, x.exponent, y.exponent);
        let (head, inside, behind) =
            (ir.block(self.function), ir.block(self.function), ir.block(self.function));
        let before = ir.current_block();
        ir.branch(head);
        ir.position(head);
        let (rest, left) = (ir.phi(ir.type_of(first)), ir.phi(ir.type_of(steps)));
        ir.incoming(rest, first, before);
        ir.incoming(left, steps, before);
        let runs = ir.compare_int(IntPredicate::LLVMIntSGT, left, number(0));
        ir.branch_if(self.any(runs, lanes), inside, behind);
        ir.position(inside);
        let doubled = take(ir.binary(Opcode::LLVMShl, rest, number(1)));
        let next = ir.select(runs, doubled, rest);
        ir.incoming(rest, next, inside);
        ir.incoming(left, ir.binary(Opcode::LLVMSub, left, number(1)), inside);
        ir.branch(head);
        ir.position(behind);
        self.assembled(Parts { mantissa: rest, exponent: y.exponent }, lanes)
    }

    /// The parts of a positive finite number, from its bits.
    fn parts(&self, bits: Value, lanes: u32) -> Parts {
        let ir = self.ir;
        let number = |value| ir.constant_splat(ir.i64(value), lanes);
        let field = ir.binary(Opcode::LLVMLShr, bits, number(52));
        let is_subnormal = ir.compare_int(IntPredicate::LLVMIntEQ, field, number(0));
        let fraction = ir.binary(Opcode::LLVMAnd, bits, number(FRACTION));
        let whole = ir.binary(Opcode::LLVMOr, fraction, number(FRACTION + 1));
        let zeros_are_harmless = ir.constant(ir.int(1), 0);
        let ty = ir.type_of(bits);
        let zeros = ir.intrinsic("llvm.ctlz", &[ty], &[fraction, zeros_are_harmless]);
        // Bit 52 has eleven bits above it. The shift is kept in range where it is not used.
        let shift = ir.binary(Opcode::LLVMSub, zeros, number(11));
        let shift = ir.select(is_subnormal, shift, number(0));
        let shifted = ir.binary(Opcode::LLVMShl, fraction, shift);
        let exponent = ir.binary(Opcode::LLVMSub, number(1), shift);
        Parts {
            mantissa: ir.select(is_subnormal, shifted, whole),
            exponent: ir.select(is_subnormal, exponent, field),
        }
    }

    /// The bits of `mantissa · 2^(exponent − 1075)`, which is a number of the type; the mantissa may have lost its high bits.
    fn assembled(&self, parts: Parts, lanes: u32) -> Value {
        let ir = self.ir;
        let number = |value| ir.constant_splat(ir.i64(value), lanes);
        let float = self.ty(Typed { raw: parts.mantissa, element: Element::F64, lanes });
        // Below the least exponent the low bits are zero, because both operands were multiples of the least number.
        let surplus = ir.binary(Opcode::LLVMSub, number(1), parts.exponent);
        let ty = ir.type_of(surplus);
        let surplus = ir.intrinsic("llvm.smax", &[ty], &[surplus, number(0)]);
        let mantissa = ir.binary(Opcode::LLVMLShr, parts.mantissa, surplus);
        let exponent = ir.intrinsic("llvm.smax", &[ty], &[parts.exponent, number(1)]);
        // 2^(exponent − 1075) is subnormal up to exponent 52, and then a single bit of the fraction.
        let is_normal = ir.compare_int(IntPredicate::LLVMIntSGT, exponent, number(52));
        let field = ir.binary(Opcode::LLVMSub, exponent, number(52));
        let field = ir.select(is_normal, field, number(0));
        let normal = ir.binary(Opcode::LLVMShl, field, number(52));
        let place = ir.binary(Opcode::LLVMSub, exponent, number(1));
        let place = ir.select(is_normal, number(0), place);
        let subnormal = ir.binary(Opcode::LLVMShl, number(1), place);
        let scale = ir.cast(Opcode::LLVMBitCast, ir.select(is_normal, normal, subnormal), float);
        let value = ir.cast(Opcode::LLVMSIToFP, mantissa, float);
        let product = ir.binary(Opcode::LLVMFMul, value, scale);
        ir.cast(Opcode::LLVMBitCast, product, ty)
    }

    /// Whether a condition holds in a lane.
    fn any(&self, mask: Value, lanes: u32) -> Value {
        if lanes == 1 {
            return mask;
        }
        self.ir.intrinsic("llvm.vector.reduce.or", &[self.ir.type_of(mask)], &[mask])
    }
}
