//! Expressions: what is one value for all lanes, and what is one for each.
//!
//! In:  an [`Expr`].   Out: the instructions that compute it, and whether it is a scalar or a vector.
//!
//! A value is a vector only if it depends on the lane; a scalar is repeated where it meets a vector.

use super::ir::{Opcode, Type, Value};
use super::walk::{Register, Typed, Walk};
use crate::graph::{Combine, Dim, Element, Scalar};
use crate::loops::{Expr, RegisterId, VariableId};

impl Walk<'_, '_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Typed {
        match expr {
            Expr::Constant(scalar) => {
                let raw = self.ir.constant_bits(scalar.element, scalar.bits);
                Typed { raw, element: scalar.element, lanes: 1 }
            }
            Expr::Value(id) => self.values[id],
            Expr::Register(id) => self.register(*id),
            Expr::Combine(combine, id) => self.combine(*combine, *id),
            Expr::Position { constant, terms } => self.position(constant, terms),
            Expr::Unary(function, a) => {
                let a = self.expr(a);
                self.unary(*function, a)
            }
            Expr::Binary(function, a, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                let [a, b] = self.together([a, b]);
                self.binary(*function, a, b)
            }
            Expr::Compare(comparison, a, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                let [a, b] = self.together([a, b]);
                self.compare(*comparison, a, b)
            }
            Expr::Select(condition, then, otherwise) => {
                let parts = [condition, then, otherwise].map(|part| self.expr(part));
                let [condition, then, otherwise] = self.together(parts);
                Typed { raw: self.ir.select(condition.raw, then.raw, otherwise.raw), ..then }
            }
            Expr::MultiplyAdd(a, b, c) => {
                let parts = [a, b, c].map(|part| self.expr(part));
                let parts = self.together(parts);
                self.multiply_add(parts)
            }
            Expr::Bits(operand) => {
                let float = self.expr(operand);
                let element = Expr::bits_of(float.element)
                    .unwrap_or_else(|| crate::bug!("llvm", "bits of {}", float.element));
                let bits = Typed { element, ..float };
                Typed { raw: self.ir.cast(Opcode::LLVMBitCast, float.raw, self.ty(bits)), ..bits }
            }
            Expr::Shift { by, fill, operand } => {
                let operand = self.expr(operand);
                self.shifted(operand, *by, *fill)
            }
            Expr::Convert(element, a) => {
                let a = self.expr(a);
                self.convert(*element, a)
            }
            Expr::Load(buffer, address) => self.load(*buffer, address),
        }
    }

    /// What a register holds.
    pub(super) fn register(&self, id: RegisterId) -> Typed {
        let register = self.registers[&id];
        let (element, lanes) = (register.element, register.lanes);
        let ty = self.ir.vector(self.ir.element(element), lanes);
        Typed { raw: self.ir.load(ty, register.slot, element.size()), element, lanes }
    }

    /// The same value on this many lanes.
    pub(super) fn widened(&self, value: Typed, lanes: u32) -> Typed {
        if value.lanes == lanes {
            return value;
        }
        Typed { raw: self.ir.splat(value.raw, lanes), element: value.element, lanes }
    }

    /// All scalars, or all vectors.
    pub(super) fn together<const N: usize>(&self, values: [Typed; N]) -> [Typed; N] {
        let lanes = values.iter().map(|value| value.lanes).max().unwrap_or(1);
        values.map(|value| self.widened(value, lanes))
    }

    /// Folds the parts of a register: the upper half onto the lower, until one is left.
    pub(super) fn combine(&self, combine: Combine, id: RegisterId) -> Typed {
        if let Some(known) = self.combined.get(&(combine, id)) {
            return *known;
        }
        let register = self.registers[&id];
        if self.team().is_some() {
            return self.combine_of_team(combine, register);
        }
        let parts = self.register(id);
        self.or_nan(register, self.folded(combine, register, parts))
    }

    /// The fold of these parts of a register.
    pub(super) fn folded(&self, combine: Combine, register: Register, mut parts: Typed) -> Typed {
        while parts.lanes > 1 {
            let half = parts.lanes / 2;
            let take = |from: u32| {
                let raw = if half == 1 {
                    self.ir.extract(parts.raw, self.ir.i64(i64::from(from)))
                } else {
                    self.ir.shuffle(parts.raw, from..from + half)
                };
                Typed { raw, element: parts.element, lanes: half }
            };
            let (lower, upper) = (take(0), take(half));
            parts = self.fold_parts(register, combine, [lower, upper]);
        }
        parts
    }

    /// Every lane takes what stands `by` lanes below it.
    fn shifted(&self, operand: Typed, by: u32, fill: Scalar) -> Typed {
        let lanes = self.width();
        let operand = self.widened(operand, lanes);
        if self.team().is_some() {
            return self.shifted_in_team(operand, by, fill);
        }
        let fill = self.ir.splat(self.ir.constant_bits(fill.element, fill.bits), lanes);
        let source = |lane: u32| if lane < by { lanes } else { lane - by };
        Typed { raw: self.ir.shuffle_pair(operand.raw, fill, (0..lanes).map(source)), ..operand }
    }

    fn position(&mut self, constant: &Dim, terms: &[(VariableId, Dim)]) -> Typed {
        let base = self.affine(constant, terms);
        let scalar = Typed { raw: base, element: Element::I64, lanes: 1 };
        let Some(coefficient) = self.lane_coefficient(terms) else { return scalar };
        let steps = self.lane_steps(&coefficient);
        let lanes = self.width();
        let base = self.ir.splat(base, lanes);
        Typed { raw: self.ir.binary(Opcode::LLVMAdd, base, steps), element: Element::I64, lanes }
    }

    /// The coefficient of the variable of lanes, if it is not zero.
    pub(super) fn lane_coefficient(&self, terms: &[(VariableId, Dim)]) -> Option<Dim> {
        let group = self.group?;
        terms.iter().find(|(variable, _)| *variable == group.variable).map(|(_, by)| by.clone())
    }

    /// 0, c, 2c, … for each lane.
    pub(super) fn lane_steps(&mut self, coefficient: &Dim) -> Value {
        let lanes = self.width();
        let numbers = self.lane_numbers(self.ir.int(64));
        let coefficient = self.dim(coefficient);
        self.ir.binary(Opcode::LLVMMul, numbers, self.ir.splat(coefficient, lanes))
    }

    /// The numbers of the lanes that are executed here, in an integer type.
    pub(super) fn lane_numbers(&self, ty: Type) -> Value {
        match self.team() {
            Some(team) => team.lane_numbers(self.ir, ty, self.width()),
            None => self.ir.iota(ty, self.width()),
        }
    }

    /// `constant + Σ coefficient · variable`, for the first lane.
    pub(super) fn affine(&mut self, constant: &Dim, terms: &[(VariableId, Dim)]) -> Value {
        let mut sum = self.dim(constant);
        for (variable, coefficient) in terms {
            let (variable, by) = (self.variables[variable], self.dim(coefficient));
            let product = if coefficient.is(1) {
                variable
            } else {
                self.ir.binary(Opcode::LLVMMul, variable, by)
            };
            sum = self.ir.binary(Opcode::LLVMAdd, sum, product);
        }
        sum
    }
}
