//! The machine of `math` that builds code: every operation is one instruction of LLVM, on one lane or many.
//!
//! In:  the operations of a function of mathematics.   Out: instructions at the builder's position.
//!
//! Afterwards: bit for bit what [`Scalar`](crate::math::Scalar) computes.

use super::ir::{IntPredicate, Ir, Opcode, RealPredicate, Value};
use crate::graph::Element;
use crate::math::Machine;

/// Builds code on `lanes` lanes.
pub(super) struct Builder<'a, 'c> {
    /// Where the instructions go.
    pub(super) ir: &'a Ir<'c>,
    /// How many lanes each value has.
    pub(super) lanes: u32,
}

impl Builder<'_, '_> {
    fn constant(&self, element: Element, bits: u64) -> Value {
        self.ir.constant_splat(self.ir.constant_bits(element, bits), self.lanes)
    }

    fn cast(&self, opcode: Opcode, value: Value, element: Element) -> Value {
        self.ir.cast(opcode, value, self.ir.vector(self.ir.element(element), self.lanes))
    }

    fn intrinsic(&self, name: &str, arguments: &[Value]) -> Value {
        self.ir.intrinsic(name, &[self.ir.type_of(arguments[0])], arguments)
    }

    fn shift(&self, opcode: Opcode, element: Element, value: Value, amount: u32) -> Value {
        self.ir.binary(opcode, value, self.constant(element, u64::from(amount)))
    }
}

/// One row an operation: name, the kind of instruction, its arguments.
macro_rules! operations {
    ($($kind:ident $name:ident $what:expr;)*) => { $(operations!(@$kind $name $what);)* };
    (@binary $name:ident $what:expr) => {
        fn $name(&mut self, a: Value, b: Value) -> Value {
            self.ir.binary($what, a, b)
        }
    };
    (@real $name:ident $what:expr) => {
        fn $name(&mut self, a: Value, b: Value) -> Value {
            self.ir.compare_real($what, a, b)
        }
    };
    (@int $name:ident $what:expr) => {
        fn $name(&mut self, a: Value, b: Value) -> Value {
            self.ir.compare_int($what, a, b)
        }
    };
    (@unary $name:ident $what:expr) => {
        fn $name(&mut self, a: Value) -> Value {
            self.intrinsic($what, &[a])
        }
    };
    (@ternary $name:ident $what:expr) => {
        fn $name(&mut self, a: Value, b: Value, c: Value) -> Value {
            self.intrinsic($what, &[a, b, c])
        }
    };
    (@negate $name:ident $what:expr) => {
        fn $name(&mut self, a: Value) -> Value {
            self.ir.float_negate(a)
        }
    };
    (@select $name:ident $what:expr) => {
        fn $name(&mut self, mask: Value, a: Value, b: Value) -> Value {
            self.ir.select(mask, a, b)
        }
    };
    (@cast $name:ident $what:expr) => {
        fn $name(&mut self, a: Value) -> Value {
            let (opcode, element) = $what;
            self.cast(opcode, a, element)
        }
    };
    (@shift $name:ident $what:expr) => {
        fn $name(&mut self, a: Value, amount: u32) -> Value {
            let (opcode, element) = $what;
            self.shift(opcode, element, a, amount)
        }
    };
}

impl Machine for Builder<'_, '_> {
    type F32 = Value;
    type F64 = Value;
    type I32 = Value;
    type I64 = Value;
    type Mask = Value;

    fn f32(&mut self, value: f32) -> Value {
        self.constant(Element::F32, u64::from(value.to_bits()))
    }
    fn f64(&mut self, value: f64) -> Value {
        self.constant(Element::F64, value.to_bits())
    }
    fn i32(&mut self, value: i32) -> Value {
        self.constant(Element::I32, u64::from(value.cast_unsigned()))
    }
    fn i64(&mut self, value: i64) -> Value {
        self.constant(Element::I64, value.cast_unsigned())
    }
    fn not_mask(&mut self, a: Value) -> Value {
        self.ir.binary(Opcode::LLVMXor, a, self.constant(Element::Bool, 1))
    }
    fn lookup_i64(&mut self, table: &'static [u64], index: Value) -> Value {
        let (entry, base) = (self.ir.int(64), self.ir.table(table));
        let address = self.ir.element_address(entry, base, index);
        if self.lanes == 1 {
            return self.ir.load(entry, address, 8);
        }
        let ty = self.ir.vector(entry, self.lanes);
        let all = self.constant(Element::Bool, 1);
        let overloads = [ty, self.ir.type_of(address)];
        let arguments = [address, all, self.ir.zero(ty)];
        let gather = self.ir.intrinsic("llvm.masked.gather", &overloads, &arguments);
        self.ir.align_argument(gather, 0, 8);
        gather
    }

    operations! {
        binary add_f32 Opcode::LLVMFAdd;
        binary sub_f32 Opcode::LLVMFSub;
        binary mul_f32 Opcode::LLVMFMul;
        binary div_f32 Opcode::LLVMFDiv;
        ternary fma_f32 "llvm.fma";
        negate neg_f32 ();
        unary abs_f32 "llvm.fabs";
        unary sqrt_f32 "llvm.sqrt";
        real lt_f32 RealPredicate::LLVMRealOLT;
        real le_f32 RealPredicate::LLVMRealOLE;
        real eq_f32 RealPredicate::LLVMRealOEQ;
        select select_f32 ();
        cast bits_f32 (Opcode::LLVMBitCast, Element::I32);
        cast float_i32 (Opcode::LLVMBitCast, Element::F32);

        binary add_f64 Opcode::LLVMFAdd;
        binary sub_f64 Opcode::LLVMFSub;
        binary mul_f64 Opcode::LLVMFMul;
        binary div_f64 Opcode::LLVMFDiv;
        ternary fma_f64 "llvm.fma";
        negate neg_f64 ();
        unary abs_f64 "llvm.fabs";
        unary sqrt_f64 "llvm.sqrt";
        unary round_even_f64 "llvm.roundeven";
        real lt_f64 RealPredicate::LLVMRealOLT;
        real le_f64 RealPredicate::LLVMRealOLE;
        real eq_f64 RealPredicate::LLVMRealOEQ;
        select select_f64 ();
        cast bits_f64 (Opcode::LLVMBitCast, Element::I64);
        cast float_i64 (Opcode::LLVMBitCast, Element::F64);

        binary add_i32 Opcode::LLVMAdd;
        binary sub_i32 Opcode::LLVMSub;
        binary and_i32 Opcode::LLVMAnd;
        binary xor_i32 Opcode::LLVMXor;
        shift shl_i32 (Opcode::LLVMShl, Element::I32);
        shift shr_i32 (Opcode::LLVMLShr, Element::I32);
        int eq_i32 IntPredicate::LLVMIntEQ;
        int lt_i32 IntPredicate::LLVMIntSLT;
        select select_i32 ();

        binary add_i64 Opcode::LLVMAdd;
        binary sub_i64 Opcode::LLVMSub;
        binary and_i64 Opcode::LLVMAnd;
        binary or_i64 Opcode::LLVMOr;
        binary xor_i64 Opcode::LLVMXor;
        shift shl_i64 (Opcode::LLVMShl, Element::I64);
        shift shr_i64 (Opcode::LLVMLShr, Element::I64);
        int eq_i64 IntPredicate::LLVMIntEQ;
        int lt_i64 IntPredicate::LLVMIntSLT;
        select select_i64 ();

        binary and_mask Opcode::LLVMAnd;
        binary or_mask Opcode::LLVMOr;

        cast f32_to_f64 (Opcode::LLVMFPExt, Element::F64);
        cast f64_to_f32 (Opcode::LLVMFPTrunc, Element::F32);
        cast i32_to_f32 (Opcode::LLVMSIToFP, Element::F32);
        cast i64_to_i32 (Opcode::LLVMTrunc, Element::I32);
        cast i32_to_i64 (Opcode::LLVMZExt, Element::I64);
    }
}
