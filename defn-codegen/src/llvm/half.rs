//! Conversions from and to floats of 16 bits, without a call to a library.
//!
//! In:  lanes of any element type.   Out: lanes of an `f16` or `bf16`, as bits, or the `f32` that they are.
//!
//! ```text
//! bf16 from f32    bits + 0x7fff + (bits >> 16 & 1), and of that the upper half; of NaN the upper half, quiet
//! f16 from f32     the processor's instruction
//! both from f64    the f32 that is nearest or, if none is equal, the one beside it whose last bit is odd; then as above
//! ```
//!
//! The numbers are those of [`crate::graph::half`].

use super::ir::{IntPredicate, Opcode, RealPredicate, Value};
use super::walk::{Typed, Walk};
use crate::graph::{Element, ElementKind};

impl Walk<'_, '_> {
    /// The `f32` that a float of 16 bits is.
    pub(super) fn single(&self, a: Typed) -> Typed {
        let ir = self.ir;
        let single = Typed { element: Element::F32, ..a };
        let raw = if a.element == Element::F16 {
            self.f16_to_f32(a)
        } else {
            let bits = Typed { element: Element::I32, ..a };
            let wide = ir.cast(Opcode::LLVMZExt, a.raw, self.ty(bits));
            let upper = ir.binary(Opcode::LLVMShl, wide, self.number(bits, 16));
            ir.cast(Opcode::LLVMBitCast, upper, self.ty(single))
        };
        Typed { raw, ..single }
    }

    /// The value of a type of 16 bits that is nearest to a number, ties to even.
    pub(super) fn narrowed(&self, to: Element, a: Typed) -> Typed {
        let single = self.rounds_alike(a);
        let raw =
            if to == Element::F16 { self.f32_to_f16(single) } else { self.upper_half(single) };
        Typed { raw, element: to, lanes: a.lanes }
    }

    /// On devices by functions that LLVM does not look into: there it would do arithmetic on what is converted back.
    fn f16_to_f32(&self, a: Typed) -> Value {
        let ir = self.ir;
        let single = self.ty(Typed { element: Element::F32, ..a });
        if self.team().is_some() {
            let scalar = ir.element(Element::F32);
            let lane = |lane| ir.intrinsic("llvm.convert.from.fp16", &[scalar], &[lane]);
            return self.lane_by_lane(a, &lane);
        }
        let half = ir.cast(Opcode::LLVMBitCast, a.raw, ir.vector(ir.half(), a.lanes));
        ir.cast(Opcode::LLVMFPExt, half, single)
    }

    fn f32_to_f16(&self, a: Typed) -> Value {
        let ir = self.ir;
        if self.team().is_some() {
            let scalar = ir.element(Element::F32);
            let lane = |lane| ir.intrinsic("llvm.convert.to.fp16", &[scalar], &[lane]);
            return self.lane_by_lane(a, &lane);
        }
        let half = ir.cast(Opcode::LLVMFPTrunc, a.raw, ir.vector(ir.half(), a.lanes));
        ir.cast(Opcode::LLVMBitCast, half, ir.vector(ir.int(16), a.lanes))
    }

    fn lane_by_lane(&self, a: Typed, convert: &dyn Fn(Value) -> Value) -> Value {
        if a.lanes == 1 {
            return convert(a.raw);
        }
        let lane = |lane: u32| convert(self.ir.extract(a.raw, self.ir.i64(i64::from(lane))));
        let lanes: Vec<Value> = (0..a.lanes).map(lane).collect();
        self.ir.vector_of(&lanes)
    }

    /// The `bf16` nearest to an `f32`.
    fn upper_half(&self, a: Typed) -> Value {
        let ir = self.ir;
        let bits = self.bits(a);
        let number = |value| self.number(bits, value);
        let binary = |opcode, x, y| ir.binary(opcode, x, y);
        let last =
            binary(Opcode::LLVMAnd, binary(Opcode::LLVMLShr, bits.raw, number(16)), number(1));
        let up = binary(Opcode::LLVMAdd, last, number(0x7fff));
        let rounded = binary(Opcode::LLVMAdd, bits.raw, up);
        let quiet = binary(Opcode::LLVMOr, bits.raw, number(0x40_0000));
        let is_nan = ir.compare_real(RealPredicate::LLVMRealUNO, a.raw, a.raw);
        let chosen = ir.select(is_nan, quiet, rounded);
        let upper = binary(Opcode::LLVMLShr, chosen, number(16));
        ir.cast(Opcode::LLVMTrunc, upper, ir.vector(ir.int(16), a.lanes))
    }

    fn bits(&self, a: Typed) -> Typed {
        let bits = Typed { element: Element::I32, ..a };
        let raw = self.ir.cast(Opcode::LLVMBitCast, a.raw, self.ty(bits));
        Typed { raw, ..bits }
    }

    /// An `f32` that rounds to 16 bits as a number does.
    fn rounds_alike(&self, a: Typed) -> Typed {
        match a.element.kind() {
            ElementKind::Float if a.element == Element::F64 => self.odd(a),
            ElementKind::Float => a,
            ElementKind::Bool => self.convert(Element::F32, a),
            ElementKind::Signed | ElementKind::Unsigned => match a.element.size() {
                8 => self.odd(self.convert(Element::F64, self.sticky(a))),
                4 => self.odd(self.convert(Element::F64, a)),
                _ => self.convert(Element::F32, a),
            },
        }
    }

    /// The `f32` that a number is, or else that of its two neighbours whose last bit is odd.
    fn odd(&self, a: Typed) -> Typed {
        let ir = self.ir;
        let nearest = self.convert(Element::F32, a);
        let back = self.convert(Element::F64, nearest);
        let size = |value| ir.intrinsic("llvm.fabs", &[self.ty(a)], &[value]);
        let bits = self.bits(nearest);
        let one_if = |predicate, x, y| {
            let truth = ir.compare_real(predicate, x, y);
            ir.cast(Opcode::LLVMZExt, truth, self.ty(bits))
        };
        let above = one_if(RealPredicate::LLVMRealOGT, size(back.raw), size(a.raw));
        let is_cut = one_if(RealPredicate::LLVMRealONE, back.raw, a.raw);
        let below = ir.binary(Opcode::LLVMSub, bits.raw, above);
        let odd = ir.binary(Opcode::LLVMOr, below, is_cut);
        Typed { raw: ir.cast(Opcode::LLVMBitCast, odd, self.ty(nearest)), ..nearest }
    }

    /// An integer of 64 bits that an `f64` holds: where it is large, its twelve lowest bits become one that says whether there are any.
    fn sticky(&self, a: Typed) -> Typed {
        let ir = self.ir;
        let is = |value, constant| self.compare_number(Typed { raw: value, ..a }, constant);
        let low = ir.binary(Opcode::LLVMAnd, a.raw, self.number(a, 0xfff));
        let rest = ir.select(is(low, 0), self.number(a, 0), self.number(a, 0x800));
        let high = ir.binary(Opcode::LLVMAnd, a.raw, self.number(a, !0xfff));
        let sticky = ir.binary(Opcode::LLVMOr, high, rest);
        // Of a number that fits, the bits above are all zero, or all one if there is a sign.
        let shift = if a.element.kind() == ElementKind::Signed {
            Opcode::LLVMAShr
        } else {
            Opcode::LLVMLShr
        };
        let top = ir.binary(shift, a.raw, self.number(a, 53));
        let fits = if a.element.kind() == ElementKind::Signed {
            ir.binary(Opcode::LLVMOr, is(top, 0), is(top, -1))
        } else {
            is(top, 0)
        };
        Typed { raw: ir.select(fits, a.raw, sticky), ..a }
    }

    fn compare_number(&self, a: Typed, constant: i64) -> Value {
        self.ir.compare_int(IntPredicate::LLVMIntEQ, a.raw, self.number(a, constant))
    }
}
