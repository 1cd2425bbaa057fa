//! The scalar functions of the language as instructions, on one lane or many.
//!
//! In:  typed values of equal lanes.   Out: the value that [`crate::graph::op`] defines.
//!
//! LLVM leaves open what the language fixes: division by zero, shifts past the width, conversions out of range.
//! Each of these is guarded before the instruction, so that nothing undefined is ever computed, in inactive lanes either.

use super::ir::{IntPredicate, Opcode, RealPredicate, Type, Value};
use super::walk::{Typed, Walk};
use crate::graph::{Binary, Combine, Comparison, Element, ElementKind, Scalar, Unary};
use crate::loops::eval::{function as elementary, function2 as elementary2};
use crate::math;

/// Of so many bytes a function is computed at a time: four of the largest registers, each with what the function keeps beside it.
const PART: usize = 256;

impl Walk<'_, '_> {
    /// A function of one operand.
    pub(super) fn unary(&self, function: Unary, a: Typed) -> Typed {
        let raw = match elementary(function) {
            Some(function) => self.in_parts([a], &|[a]| {
                let mut machine = self.machine(a.lanes);
                match a.element {
                    Element::F32 => math::unary_f32(&mut machine, function, a.raw),
                    Element::F64 => math::unary_f64(&mut machine, function, a.raw),
                    Element::F16
                    | Element::Bf16
                    | Element::I32
                    | Element::I64
                    | Element::U8
                    | Element::U32
                    | Element::U64
                    | Element::Bool => refuse(function.name(), a.element),
                }
            }),
            None if a.element.is_float() => self.plain_float(function, a),
            None => self.plain_integer(function, a),
        };
        Typed { raw, ..a }
    }

    /// A function of mathematics, on no more lanes at a time than its temporaries have room for.
    fn in_parts<const N: usize>(
        &self,
        operands: [Typed; N],
        apply: &dyn Fn([Typed; N]) -> Value,
    ) -> Value {
        let Typed { lanes, element, .. } = operands[0];
        if lanes as usize * element.size() <= PART {
            return apply(operands);
        }
        let half = lanes / 2;
        let [low, high] = [0, half].map(|from| {
            let part = operands.map(|operand| {
                let raw = self.ir.shuffle(operand.raw, from..from + half);
                Typed { raw, lanes: half, ..operand }
            });
            self.in_parts(part, apply)
        });
        self.ir.join(low, high, half)
    }

    fn plain_float(&self, function: Unary, a: Typed) -> Value {
        let name = match function {
            Unary::Neg => return self.ir.float_negate(a.raw),
            Unary::StopGrad => return a.raw,
            Unary::Sign => return self.float_sign(a),
            Unary::Abs => "llvm.fabs",
            Unary::Floor => "llvm.floor",
            Unary::Ceil => "llvm.ceil",
            Unary::Round => "llvm.round",
            Unary::Sqrt => "llvm.sqrt",
            Unary::Not
            | Unary::Rsqrt
            | Unary::Cbrt
            | Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Log
            | Unary::Log2
            | Unary::Log1p
            | Unary::Sin
            | Unary::Cos
            | Unary::Tan
            | Unary::Asin
            | Unary::Acos
            | Unary::Atan
            | Unary::Sinh
            | Unary::Cosh
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Erf
            | Unary::ErfInv => refuse(function.word(), a.element),
        };
        self.ir.intrinsic(name, &[self.ty(a)], &[a.raw])
    }

    /// x − x is +0 for both zeros and NaN for NaN.
    fn float_sign(&self, a: Typed) -> Value {
        let [zero, one, minus] = [0, 1, -1].map(|value| self.number(a, value));
        let neither = self.ir.binary(Opcode::LLVMFSub, a.raw, a.raw);
        let below = self.ir.compare_real(RealPredicate::LLVMRealOLT, a.raw, zero);
        let above = self.ir.compare_real(RealPredicate::LLVMRealOGT, a.raw, zero);
        let negative = self.ir.select(below, minus, neither);
        self.ir.select(above, one, negative)
    }

    fn plain_integer(&self, function: Unary, a: Typed) -> Value {
        let (ir, is_signed) = (self.ir, a.element.kind() == ElementKind::Signed);
        let [zero, one] = [0, 1].map(|value| self.number(a, value));
        match function {
            Unary::Neg => ir.binary(Opcode::LLVMSub, zero, a.raw),
            Unary::Abs if is_signed => {
                let wraps = ir.constant(ir.int(1), 0);
                ir.intrinsic("llvm.abs", &[self.ty(a)], &[a.raw, wraps])
            }
            Unary::Abs => a.raw,
            Unary::Sign => {
                let above =
                    if is_signed { IntPredicate::LLVMIntSGT } else { IntPredicate::LLVMIntUGT };
                let above = ir.compare_int(above, a.raw, zero);
                let below = ir.compare_int(IntPredicate::LLVMIntSLT, a.raw, zero);
                let otherwise =
                    if is_signed { ir.select(below, self.number(a, -1), zero) } else { zero };
                ir.select(above, one, otherwise)
            }
            Unary::Not if a.element == Element::Bool => ir.binary(Opcode::LLVMXor, a.raw, one),
            Unary::Not => ir.binary(Opcode::LLVMXor, a.raw, self.number(a, -1)),
            Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::StopGrad
            | Unary::Sqrt
            | Unary::Rsqrt
            | Unary::Cbrt
            | Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Log
            | Unary::Log2
            | Unary::Log1p
            | Unary::Sin
            | Unary::Cos
            | Unary::Tan
            | Unary::Asin
            | Unary::Acos
            | Unary::Atan
            | Unary::Sinh
            | Unary::Cosh
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Erf
            | Unary::ErfInv => refuse(function.word(), a.element),
        }
    }

    /// A function of two operands.
    pub(super) fn binary(&self, function: Binary, a: Typed, b: Typed) -> Typed {
        let raw = match (elementary2(function), a.element) {
            (Some(function), Element::F32) => self.in_parts([a, b], &|[a, b]| {
                math::binary_f32(&mut self.machine(a.lanes), function, a.raw, b.raw)
            }),
            (Some(function), Element::F64) => self.in_parts([a, b], &|[a, b]| {
                math::binary_f64(&mut self.machine(a.lanes), function, a.raw, b.raw)
            }),
            (Some(function), _) => refuse(function.name(), a.element),
            (None, Element::F32 | Element::F64) => self.binary_float(function, a, b),
            (None, _) => self.binary_integer(function, a, b),
        };
        Typed { raw, ..a }
    }

    fn binary_float(&self, function: Binary, a: Typed, b: Typed) -> Value {
        let opcode = match function {
            Binary::Add => Opcode::LLVMFAdd,
            Binary::Sub => Opcode::LLVMFSub,
            Binary::Mul => Opcode::LLVMFMul,
            Binary::Div => Opcode::LLVMFDiv,
            Binary::Rem => return self.float_remainder(a, b),
            Binary::Max => return self.machine(a.lanes).maximum(a.element, a.raw, b.raw),
            Binary::Min => return self.machine(a.lanes).minimum(a.element, a.raw, b.raw),
            Binary::Pow
            | Binary::Atan2
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::ShiftLeft
            | Binary::ShiftRight => refuse(function.word(), a.element),
        };
        self.ir.binary(opcode, a.raw, b.raw)
    }

    fn binary_integer(&self, function: Binary, a: Typed, b: Typed) -> Value {
        let (ir, is_signed) = (self.ir, a.element.kind() == ElementKind::Signed);
        let extreme = |name| ir.intrinsic(name, &[self.ty(a)], &[a.raw, b.raw]);
        let opcode = match function {
            Binary::Add => Opcode::LLVMAdd,
            Binary::Sub => Opcode::LLVMSub,
            Binary::Mul => Opcode::LLVMMul,
            Binary::And => Opcode::LLVMAnd,
            Binary::Or => Opcode::LLVMOr,
            Binary::Xor => Opcode::LLVMXor,
            Binary::Div => return self.division(a, b),
            Binary::Rem => return self.integer_remainder(a, b),
            Binary::Max if is_signed => return extreme("llvm.smax"),
            Binary::Min if is_signed => return extreme("llvm.smin"),
            Binary::Max => return extreme("llvm.umax"),
            Binary::Min => return extreme("llvm.umin"),
            Binary::ShiftLeft => return self.shift(Opcode::LLVMShl, a, b),
            Binary::ShiftRight if is_signed => return self.shift(Opcode::LLVMAShr, a, b),
            Binary::ShiftRight => return self.shift(Opcode::LLVMLShr, a, b),
            Binary::Pow | Binary::Atan2 => refuse(function.word(), a.element),
        };
        ir.binary(opcode, a.raw, b.raw)
    }

    fn shift(&self, opcode: Opcode, a: Typed, b: Typed) -> Value {
        let within = self.number(a, a.element.size() as i64 * 8 - 1);
        let amount = self.ir.binary(Opcode::LLVMAnd, b.raw, within);
        self.ir.binary(opcode, a.raw, amount)
    }

    /// Rounds towards zero; x / 0 = 0, MIN / −1 = MIN.
    fn division(&self, a: Typed, b: Typed) -> Value {
        let zero = self.number(a, 0);
        let by_zero = self.ir.compare_int(IntPredicate::LLVMIntEQ, b.raw, zero);
        let quotient = self.truncated_quotient(a, self.harmless_divisor(a, b));
        self.ir.select(by_zero, zero, quotient)
    }

    /// a − b · trunc(a / b), where x % 0 = x and MIN % −1 = 0.
    fn integer_remainder(&self, a: Typed, b: Typed) -> Value {
        let zero = self.number(a, 0);
        let by_zero = self.ir.compare_int(IntPredicate::LLVMIntEQ, b.raw, zero);
        let divisor = self.harmless_divisor(a, b);
        let quotient = self.truncated_quotient(a, divisor);
        let product = self.ir.binary(Opcode::LLVMMul, quotient, divisor.raw);
        let rest = self.ir.binary(Opcode::LLVMSub, a.raw, product);
        self.ir.select(by_zero, a.raw, rest)
    }

    /// The divisor, or 1 where the instruction is not defined: x / 1 is then what the language wants of MIN / −1.
    fn harmless_divisor(&self, a: Typed, b: Typed) -> Typed {
        let ir = self.ir;
        let is = |value, constant| {
            ir.compare_int(IntPredicate::LLVMIntEQ, value, self.number(a, constant))
        };
        let mut harmful = is(b.raw, 0);
        if a.element.kind() == ElementKind::Signed {
            let least = if a.element == Element::I32 { i64::from(i32::MIN) } else { i64::MIN };
            let overflows = ir.binary(Opcode::LLVMAnd, is(a.raw, least), is(b.raw, -1));
            harmful = ir.binary(Opcode::LLVMOr, harmful, overflows);
        }
        Typed { raw: ir.select(harmful, self.number(a, 1), b.raw), ..b }
    }

    /// Vectors have no integer division, but the quotient of two `f64` that hold numbers of at most 32 bits never rounds
    /// up to the next whole number: it differs from it by more than 2⁻³¹ of itself.
    fn truncated_quotient(&self, a: Typed, b: Typed) -> Value {
        let ir = self.ir;
        let (divide, to_float, from_float) = match a.element.kind() {
            ElementKind::Signed => (Opcode::LLVMSDiv, Opcode::LLVMSIToFP, Opcode::LLVMFPToSI),
            ElementKind::Unsigned | ElementKind::Bool | ElementKind::Float => {
                (Opcode::LLVMUDiv, Opcode::LLVMUIToFP, Opcode::LLVMFPToUI)
            }
        };
        if a.lanes == 1 || a.element.size() == 8 || self.team().is_some() {
            return ir.binary(divide, a.raw, b.raw);
        }
        let wide = ir.vector(ir.element(Element::F64), a.lanes);
        let [x, y] = [a, b].map(|value| ir.cast(to_float, value.raw, wide));
        let quotient = ir.binary(Opcode::LLVMFDiv, x, y);
        ir.cast(from_float, quotient, self.ty(a))
    }

    /// What a reduction combines two elements to.
    pub(super) fn fold(&self, combine: Combine, a: Typed, b: Typed) -> Typed {
        self.binary(combine.binary(), a, b)
    }

    /// A comparison.
    pub(super) fn compare(&self, comparison: Comparison, a: Typed, b: Typed) -> Typed {
        let raw = match a.element.kind() {
            ElementKind::Float => {
                let predicate = match comparison {
                    Comparison::Eq => RealPredicate::LLVMRealOEQ,
                    Comparison::Ne => RealPredicate::LLVMRealUNE,
                    Comparison::Lt => RealPredicate::LLVMRealOLT,
                    Comparison::Le => RealPredicate::LLVMRealOLE,
                    Comparison::Gt => RealPredicate::LLVMRealOGT,
                    Comparison::Ge => RealPredicate::LLVMRealOGE,
                };
                self.ir.compare_real(predicate, a.raw, b.raw)
            }
            ElementKind::Signed => {
                let predicate = match comparison {
                    Comparison::Eq => IntPredicate::LLVMIntEQ,
                    Comparison::Ne => IntPredicate::LLVMIntNE,
                    Comparison::Lt => IntPredicate::LLVMIntSLT,
                    Comparison::Le => IntPredicate::LLVMIntSLE,
                    Comparison::Gt => IntPredicate::LLVMIntSGT,
                    Comparison::Ge => IntPredicate::LLVMIntSGE,
                };
                self.ir.compare_int(predicate, a.raw, b.raw)
            }
            ElementKind::Unsigned | ElementKind::Bool => {
                let predicate = match comparison {
                    Comparison::Eq => IntPredicate::LLVMIntEQ,
                    Comparison::Ne => IntPredicate::LLVMIntNE,
                    Comparison::Lt => IntPredicate::LLVMIntULT,
                    Comparison::Le => IntPredicate::LLVMIntULE,
                    Comparison::Gt => IntPredicate::LLVMIntUGT,
                    Comparison::Ge => IntPredicate::LLVMIntUGE,
                };
                self.ir.compare_int(predicate, a.raw, b.raw)
            }
        };
        Typed { raw, element: Element::Bool, lanes: a.lanes }
    }

    /// a · b + c, rounded once.
    pub(super) fn multiply_add(&self, [a, b, c]: [Typed; 3]) -> Typed {
        let raw = if a.element.is_float() {
            self.ir.intrinsic("llvm.fma", &[self.ty(a)], &[a.raw, b.raw, c.raw])
        } else {
            let product = self.ir.binary(Opcode::LLVMMul, a.raw, b.raw);
            self.ir.binary(Opcode::LLVMAdd, product, c.raw)
        };
        Typed { raw, ..a }
    }

    /// Rust's `as`; any number but zero is `true`.
    pub(super) fn convert(&self, to: Element, a: Typed) -> Typed {
        if a.element != to && a.element.is_half() {
            return self.convert(to, self.single(a));
        }
        if a.element != to && to.is_half() {
            return self.narrowed(to, a);
        }
        let ir = self.ir;
        let target = Typed { element: to, ..a };
        let ty = self.ty(target);
        let cast = |opcode| ir.cast(opcode, a.raw, ty);
        let raw = match (a.element.kind(), to.kind()) {
            _ if a.element == to => a.raw,
            (ElementKind::Float, ElementKind::Bool) => {
                ir.compare_real(RealPredicate::LLVMRealUNE, a.raw, self.number(a, 0))
            }
            (_, ElementKind::Bool) => {
                ir.compare_int(IntPredicate::LLVMIntNE, a.raw, self.number(a, 0))
            }
            (ElementKind::Float, ElementKind::Float) if to == Element::F64 => {
                cast(Opcode::LLVMFPExt)
            }
            (ElementKind::Float, ElementKind::Float) => cast(Opcode::LLVMFPTrunc),
            (ElementKind::Float, ElementKind::Signed) => {
                ir.intrinsic("llvm.fptosi.sat", &[ty, self.ty(a)], &[a.raw])
            }
            (ElementKind::Float, ElementKind::Unsigned) => {
                ir.intrinsic("llvm.fptoui.sat", &[ty, self.ty(a)], &[a.raw])
            }
            (ElementKind::Signed, ElementKind::Float) => cast(Opcode::LLVMSIToFP),
            (ElementKind::Unsigned | ElementKind::Bool, ElementKind::Float) => {
                cast(Opcode::LLVMUIToFP)
            }
            (_, _) if to.size() < a.element.size() => cast(Opcode::LLVMTrunc),
            (ElementKind::Signed, _) => cast(Opcode::LLVMSExt),
            (ElementKind::Unsigned | ElementKind::Bool, _) => cast(Opcode::LLVMZExt),
        };
        Typed { raw, ..target }
    }

    /// The type of a value in registers.
    pub(super) fn ty(&self, value: Typed) -> Type {
        self.ir.vector(self.ir.element(value.element), value.lanes)
    }

    /// A number of the type of `like`, in every lane.
    pub(super) fn number(&self, like: Typed, value: i64) -> Value {
        let scalar = Scalar::from_i64(like.element, value);
        let constant = self.ir.constant_bits(scalar.element, scalar.bits);
        self.ir.constant_splat(constant, like.lanes)
    }
}

/// The verifier of loops lets no such expression pass.
fn refuse(function: &str, element: Element) -> ! {
    crate::bug!("llvm", "`{function}` is no function of `{element}`")
}
