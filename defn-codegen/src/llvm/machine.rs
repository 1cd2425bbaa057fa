//! The machine of `math` that builds code: every operation is one instruction of LLVM, on one lane or many.
//!
//! In:  the operations of a function of mathematics.   Out: instructions at the builder's position.
//!
//! Afterwards: bit for bit what [`Scalar`](crate::math::Scalar) computes.

use super::ir::{Block, Function, IntPredicate, Ir, Opcode, RealPredicate, Value};
use super::walk::Walk;
use crate::graph::{Binary, Element};
use crate::math::Machine;
use crate::options::Level;

/// Builds code on `lanes` lanes.
pub(super) struct Builder<'a, 'c> {
    /// Where the instructions go.
    pub(super) ir: &'a Ir<'c>,
    /// How many lanes each value has.
    pub(super) lanes: u32,
    /// None on a device.
    level: Option<Level>,
    function: Function,
}

impl<'a, 'c> Walk<'a, 'c> {
    /// The machine that builds code here.
    pub(super) fn machine(&self, lanes: u32) -> Builder<'a, 'c> {
        Builder { ir: self.ir, lanes, level: self.processor.level(), function: self.function }
    }
}

/// The blocks around what is rarely needed: from the usual way to the other, and where they meet.
pub(super) struct Rare {
    usual: Block,
    join: Block,
}

/// The rounding of the mode, as an operand of AVX-512.
const CURRENT_ROUNDING: i64 = 4;
/// Mantissas in `0.75 .. 1.5`, of zeros positive, of negative numbers NaN.
const MANTISSA: i64 = 0b1111;

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

    /// Cuts vectors into registers of `native` lanes, applies `f` to them, and puts the results together.
    fn in_registers(
        &self,
        native: u32,
        arguments: &[Value],
        f: &dyn Fn(&[Value]) -> Value,
    ) -> Value {
        self.pieces(self.lanes, native, arguments, f)
    }

    fn pieces(
        &self,
        lanes: u32,
        native: u32,
        arguments: &[Value],
        f: &dyn Fn(&[Value]) -> Value,
    ) -> Value {
        let each = |g: &dyn Fn(Value) -> Value| arguments.iter().map(|a| g(*a)).collect::<Vec<_>>();
        if lanes == native {
            return f(arguments);
        }
        if lanes < native {
            let wide = f(&each(&|a| self.ir.padded(a, lanes, native)));
            if lanes == 1 {
                return self.ir.extract(wide, self.ir.i64(0));
            }
            return self.ir.shuffle(wide, 0..lanes);
        }
        let half = lanes / 2;
        let [low, high] = [0, half].map(|from| {
            let part = each(&|a| self.ir.shuffle(a, from..from + half));
            self.pieces(half, native, &part, f)
        });
        self.ir.join(low, high, half)
    }

    /// A constant operand of 32 bits.
    fn immediate(&self, value: i64) -> Value {
        self.ir.constant(self.ir.int(32), value)
    }

    /// Every lane of a register of 64 bytes.
    fn all(&self, native: u32) -> Value {
        self.ir.constant(self.ir.int(native), -1)
    }

    fn scale(&self, name: &str, native: u32, x: Value, exponent: Value) -> Option<Value> {
        let scale = |arguments: &[Value]| {
            let [x, exponent] = [arguments[0], arguments[1]];
            let (all, rounding) = (self.all(native), self.immediate(CURRENT_ROUNDING));
            self.ir.intrinsic(name, &[], &[x, exponent, x, all, rounding])
        };
        (self.level == Some(Level::V4)).then(|| self.in_registers(native, &[x, exponent], &scale))
    }

    /// The table in a register, again and again up to `lanes`.
    fn table_register(&self, table: &[f32], lanes: u32) -> Value {
        let entries: Vec<Value> = table
            .iter()
            .cycle()
            .take(lanes as usize)
            .map(|entry| self.ir.constant_bits(Element::F32, u64::from(entry.to_bits())))
            .collect();
        self.ir.constant_vector(&entries)
    }

    /// One permutation: the index counts modulo 16.
    fn permute_16(&self, table: &'static [f32], index: Value) -> Value {
        let register = self.table_register(table, 16);
        self.in_registers(16, &[index], &|index| {
            self.ir.intrinsic("llvm.x86.avx512.permvar.sf.512", &[], &[register, index[0]])
        })
    }

    /// One permutation: the index counts modulo 8.
    fn permute_8(&self, table: &[f32], index: Value) -> Value {
        let register = self.table_register(table, 8);
        self.in_registers(8, &[index], &|index| {
            self.ir.intrinsic("llvm.x86.avx2.permps", &[], &[register, index[0]])
        })
    }

    /// Halves the table by the bit of its length, until one entry is left.
    fn select_from(&self, table: &[f32], index: Value) -> Value {
        if let [entry] = table {
            return self.constant(Element::F32, u64::from(entry.to_bits()));
        }
        let (low, high) = table.split_at(table.len() / 2);
        let upper = self.is_upper(high.len(), index);
        let [low, high] = [low, high].map(|half| self.select_from(half, index));
        self.ir.select(upper, high, low)
    }

    /// Whether a bit of the index is set.
    fn is_upper(&self, bit: usize, index: Value) -> Value {
        // The bit becomes the sign, which is what a blend looks at.
        let distance = (bit as u32).leading_zeros();
        let sign = self.shift(Opcode::LLVMShl, Element::I32, index, distance);
        self.ir.compare_int(IntPredicate::LLVMIntSLT, sign, self.constant(Element::I32, 0))
    }

    fn shift(&self, opcode: Opcode, element: Element, value: Value, amount: u32) -> Value {
        self.ir.binary(opcode, value, self.constant(element, u64::from(amount)))
    }
}

/// The larger and the smaller of two floats as the language has them: NaN if one is, and -0 below +0.
impl Builder<'_, '_> {
    pub(super) fn maximum(&self, element: Element, a: Value, b: Value) -> Value {
        match self.level {
            Some(Level::V3 | Level::Neon) | None => {
                self.ir.intrinsic("llvm.maximum", &[self.ir.type_of(a)], &[a, b])
            }
            Some(Level::V4) => self.in_range(element, MAXIMUM, a, b),
        }
    }

    pub(super) fn minimum(&self, element: Element, a: Value, b: Value) -> Value {
        match self.level {
            Some(Level::V3 | Level::Neon) | None => {
                self.ir.intrinsic("llvm.minimum", &[self.ir.type_of(a)], &[a, b])
            }
            Some(Level::V4) => self.in_range(element, MINIMUM, a, b),
        }
    }

    /// AVX-512 has an instruction that orders zeros, but prefers numbers to NaN: half of what LLVM makes of the intrinsic.
    fn in_range(&self, element: Element, how: i64, a: Value, b: Value) -> Value {
        let nan = if element == Element::F32 {
            u64::from(f32::NAN.to_bits())
        } else {
            f64::NAN.to_bits()
        };
        let extreme = self.number_in_range(element, how, a, b);
        let unordered = self.ir.compare_real(RealPredicate::LLVMRealUNO, a, b);
        self.ir.select(unordered, self.constant(element, nan), extreme)
    }

    /// The same, but of a number and NaN the number. Only where [`Level::V4`] is.
    pub(super) fn extreme_number(
        &self,
        element: Element,
        function: Binary,
        a: Value,
        b: Value,
    ) -> Value {
        let how = if function == Binary::Max { MAXIMUM } else { MINIMUM };
        self.number_in_range(element, how, a, b)
    }

    fn number_in_range(&self, element: Element, how: i64, a: Value, b: Value) -> Value {
        let (name, native) = if element == Element::F32 {
            ("llvm.x86.avx512.mask.range.ps.512", 16)
        } else {
            ("llvm.x86.avx512.mask.range.pd.512", 8)
        };
        self.in_registers(native, &[a, b], &|operands| {
            let [a, b] = [operands[0], operands[1]];
            let rest = [self.immediate(how), a, self.all(native), self.immediate(CURRENT_ROUNDING)];
            self.ir.intrinsic(name, &[], &[[a, b].as_slice(), &rest].concat())
        })
    }
}

/// Which of two, with the sign that it has.
const MINIMUM: i64 = 0b0100;
const MAXIMUM: i64 = 0b0101;
/// The one nearer to zero, with the sign of the first.
const NEARER: i64 = 0b0010;

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
    type Rare = Rare;

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
        if self.level.is_none() {
            let lane = |lane: u32| self.ir.extract(address, self.ir.i64(i64::from(lane)));
            let load = |address: Value| self.ir.load_constant(entry, address, 8);
            let lanes: Vec<Value> = (0..self.lanes).map(|it| load(lane(it))).collect();
            return self.ir.vector_of(&lanes);
        }
        let ty = self.ir.vector(entry, self.lanes);
        let all = self.constant(Element::Bool, 1);
        let overloads = [ty, self.ir.type_of(address)];
        let arguments = [address, all, self.ir.zero(ty)];
        let gather = self.ir.intrinsic("llvm.masked.gather", &overloads, &arguments);
        self.ir.align_argument(gather, 0, 8);
        gather
    }
    fn choose_f32(&mut self, table: &'static [f32], index: Value) -> Value {
        match (self.level, table.len()) {
            (Some(Level::V4), _) => self.permute_16(table, index),
            (Some(Level::V3), 8) => self.permute_8(table, index),
            (Some(Level::V3), _) => {
                let (low, high) = table.split_at(8);
                let upper = self.is_upper(8, index);
                let [low, high] = [low, high].map(|half| self.permute_8(half, index));
                self.ir.select(upper, high, low)
            }
            (Some(Level::Neon) | None, _) => self.select_from(table, index),
        }
    }

    fn begin_rare(&mut self, mask: Value) -> Rare {
        let any = if self.lanes == 1 {
            mask
        } else {
            let bits = self.ir.int(self.lanes);
            let mask = self.ir.cast(Opcode::LLVMBitCast, mask, bits);
            self.ir.compare_int(IntPredicate::LLVMIntNE, mask, self.ir.constant(bits, 0))
        };
        let usual = self.ir.current_block();
        let (rare, join) = (self.ir.block(self.function), self.ir.block(self.function));
        self.ir.branch_if(any, rare, join);
        self.ir.position(rare);
        Rare { usual, join }
    }
    fn end_rare_f32(&mut self, rare: Rare, mask: Value, unusual: Value, usual: Value) -> Value {
        let mixed = self.ir.select(mask, unusual, usual);
        let from = self.ir.current_block();
        self.ir.branch(rare.join);
        self.ir.position(rare.join);
        let result = self.ir.phi(self.ir.type_of(usual));
        self.ir.incoming(result, usual, rare.usual);
        self.ir.incoming(result, mixed, from);
        result
    }

    fn scale_f32(&mut self, x: Value, exponent: Value) -> Option<Value> {
        self.scale("llvm.x86.avx512.mask.scalef.ps.512", 16, x, exponent)
    }
    fn scale_f64(&mut self, x: Value, exponent: Value) -> Option<Value> {
        self.scale("llvm.x86.avx512.mask.scalef.pd.512", 8, x, exponent)
    }
    fn bounds_f32(&self) -> bool {
        self.level == Some(Level::V4)
    }
    fn bound_f32(&mut self, x: Value, bound: f32) -> Value {
        let bound = self.f32(bound);
        let native = 16;
        self.in_registers(native, &[x, bound], &|operands| {
            let (how, all) = (self.immediate(NEARER), self.all(native));
            let rest = [how, operands[0], all, self.immediate(CURRENT_ROUNDING)];
            let name = "llvm.x86.avx512.mask.range.ps.512";
            self.ir.intrinsic(name, &[], &[operands, &rest].concat())
        })
    }
    fn split_f32(&mut self, x: Value) -> Option<(Value, Value)> {
        if self.level != Some(Level::V4) {
            return None;
        }
        let exponent = |x: Value| {
            self.in_registers(16, &[x], &|x| {
                let operands = [x[0], x[0], self.all(16), self.immediate(CURRENT_ROUNDING)];
                self.ir.intrinsic("llvm.x86.avx512.mask.getexp.ps.512", &[], &operands)
            })
        };
        let mantissa = self.in_registers(16, &[x], &|x| {
            let (how, all) = (self.immediate(MANTISSA), self.all(16));
            let operands = [x[0], how, x[0], all, self.immediate(CURRENT_ROUNDING)];
            self.ir.intrinsic("llvm.x86.avx512.mask.getmant.ps.512", &[], &operands)
        });
        let k = self.ir.binary(Opcode::LLVMFSub, exponent(x), exponent(mantissa));
        Some((k, mantissa))
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
