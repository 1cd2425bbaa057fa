//! The greatest and the smallest element of a row, where NaN is looked for beside the fold and not in it.
//!
//! In:  folds of a register of floats by `max` or `min`, whose parts are read only all at once.
//! Out: folds that pass over NaN, and a mask that remembers whether there was one.
//!
//! ```text
//! $0 = max($0, x[j])            $0 = the greater number of $0 and x[j]
//!                               seen = or(seen, is NaN(x[j] or x[j + 16]))
//! … combine max $0              … if any of seen { NaN } else { combine max $0 }
//! ```
//!
//! AVX-512 has an instruction that orders zeros but passes over NaN, so that each fold takes a comparison and a choice more, one waiting for the other.
//! A comparison of two registers finds NaN in either, and nothing waits for it: the maxima of 1024 rows of 1024 take 17 instead of 29 µs.
//! Which lanes have met NaN is not known afterwards; therefore the parts may not be read one by one.

use std::collections::{BTreeMap, BTreeSet};

use super::ir::{IntPredicate, Opcode, RealPredicate, Value};
use super::walk::{Register, Typed, Walk};
use crate::graph::{Binary, Combine, Element, Scalar};
use crate::loops::{Expr, Nest, RegisterId, Statement, visit};
use crate::options::Level;

/// The registers of a nest that are folded like this.
pub(super) fn extremes(nest: &Nest, level: Level) -> BTreeSet<RegisterId> {
    let mut found = BTreeSet::new();
    if level != Level::V4 {
        return found;
    }
    // How often a register is read as it is, less how often it is folded.
    let mut reads: BTreeMap<RegisterId, i64> = BTreeMap::new();
    let mut refused = BTreeSet::new();
    visit::statements(&nest.body, &mut |statement| {
        match statement {
            Statement::Declare { register, element, lanes, initial } => {
                if element.is_float() && is_number(initial) && lanes % (2 * lanes_of(*element)) == 0
                {
                    found.insert(*register);
                }
            }
            Statement::Set {
                register,
                expr: Expr::Binary(Binary::Max | Binary::Min, so_far, _),
            } if **so_far == Expr::Register(*register) => {
                *reads.entry(*register).or_default() -= 1;
            }
            Statement::Set { register, expr: _ } => {
                refused.insert(*register);
            }
            Statement::For(_)
            | Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => {}
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Register(register) = expr {
                    *reads.entry(*register).or_default() += 1;
                }
            });
        });
    });
    found.retain(|it| !refused.contains(it) && reads.get(it).is_none_or(|reads| *reads == 0));
    found
}

/// Lanes of a register of 64 bytes.
fn lanes_of(element: Element) -> u32 {
    64 / element.size() as u32
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Constant(Scalar { element, bits }) if !is_nan(*element, *bits))
}

fn is_nan(element: Element, bits: u64) -> bool {
    if element == Element::F32 {
        return f32::from_bits(bits as u32).is_nan();
    }
    f64::from_bits(bits).is_nan()
}

impl Walk<'_, '_> {
    /// A mask for what a register of [`extremes`] meets, without any lane.
    pub(super) fn no_nan(&self, id: RegisterId, element: Element) -> Option<Value> {
        let is_watched = self.group.is_none() && self.extremes.contains(&id);
        is_watched.then(|| {
            let lanes = lanes_of(element);
            let slot = self.stack(Element::Bool, lanes);
            self.ir.store(self.ir.zero(self.ir.vector(self.ir.int(1), lanes)), slot, 1);
            slot
        })
    }

    /// A fold of one group, or of a pair of groups.
    pub(super) fn fold_extreme(&mut self, id: RegisterId, expr: &Expr) {
        let Expr::Binary(function, _, value) = expr else {
            crate::bug!("llvm", "{expr:?} is no extreme")
        };
        let value = self.expr(value);
        let register = self.registers[&id];
        let width = self.width().max(register.lanes);
        let value = self.widened(value, width).raw;
        for first in (0..width).step_by(register.lanes as usize) {
            let mut part = value;
            if width > register.lanes {
                part = self.ir.shuffle(value, first..first + register.lanes);
            }
            let so_far = self.register(id).raw;
            if let Some(active) = self.group.and_then(|group| group.active) {
                part = self.ir.select(active.mask, part, so_far);
            }
            self.watch(register, part);
            let machine = self.machine(register.lanes);
            let next = machine.extreme_number(register.element, *function, so_far, part);
            self.ir.store(next, register.slot, register.element.size());
        }
    }

    /// Remembers whether a value has NaN.
    fn watch(&self, register: Register, value: Value) {
        let (ir, lanes) = (self.ir, lanes_of(register.element));
        let Some(slot) = register.seen else { return };
        let ty = ir.vector(ir.int(1), lanes);
        let mut seen = ir.load(ty, slot, 1);
        for first in (0..register.lanes).step_by(2 * lanes as usize) {
            let [a, b] = [first, first + lanes].map(|from| ir.shuffle(value, from..from + lanes));
            let unordered = ir.compare_real(RealPredicate::LLVMRealUNO, a, b);
            seen = ir.binary(Opcode::LLVMOr, seen, unordered);
        }
        ir.store(seen, slot, 1);
    }

    /// What all parts of a register make together, once those that are numbers are folded.
    pub(super) fn or_nan(&self, register: Register, folded: Typed) -> Typed {
        let Some(slot) = register.seen else { return folded };
        let (ir, lanes) = (self.ir, lanes_of(register.element));
        let seen = ir.load(ir.vector(ir.int(1), lanes), slot, 1);
        let bits = ir.int(lanes);
        let seen = ir.cast(Opcode::LLVMBitCast, seen, bits);
        let any = ir.compare_int(IntPredicate::LLVMIntNE, seen, ir.constant(bits, 0));
        let nan = if register.element == Element::F32 {
            u64::from(f32::NAN.to_bits())
        } else {
            f64::NAN.to_bits()
        };
        let nan = ir.constant_bits(register.element, nan);
        Typed { raw: ir.select(any, nan, folded.raw), ..folded }
    }

    /// One step of the fold of parts.
    pub(super) fn fold_parts(
        &self,
        register: Register,
        combine: Combine,
        [a, b]: [Typed; 2],
    ) -> Typed {
        if register.seen.is_none() {
            return self.fold(combine, a, b);
        }
        let machine = self.machine(a.lanes);
        Typed { raw: machine.extreme_number(a.element, combine.binary(), a.raw, b.raw), ..a }
    }
}
