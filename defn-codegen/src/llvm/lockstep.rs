//! Groups of lanes in lockstep: two, four or eight of them, where the processor has the registers.
//!
//! In:  a loop in lanes with a plain body, and the lanes of a group.   Out: the same, in the same order.
//!
//! ```text
//! for j in 0..m lanes 32 { body }      full = m & -64
//!                                      for (j = 0; j < full; j += 64) body on 64 lanes, where $0 takes in the lower 32 and then the upper 32
//!                                      for (j = full; j < m; j += 32) body under a mask
//! ```
//!
//! The loops say how many lanes a group has, and with them the order in which sums are added up. A group of an expensive body is so wide
//! that a processor with 16 registers of 32 bytes has room for its chains of dependent operations, which is two registers of 64 bytes.
//! With 32 of those there is room for two groups, operation by operation, and beside each operation that waits stands twice as much that does not:
//! Black and Scholes takes 0.72 instead of 0.91 ms for a million. A short body gains nothing: the processor looks that far ahead by itself.
//! A long body that keeps few values at a time, as that of random numbers, is one chain from its beginning to its end: its groups are one
//! register wide, and four of them take 0.4 instead of 0.6 ms for a million uniform numbers.
//! Where a function of mathematics follows, eight: LLVM writes the chains one behind the other and the function for four groups at a time,
//! so that the processor has integers of one group beside floats of another. A million normal numbers take 0.78 instead of 0.95 ms.
//! Folds stay in order, so the bits are those of one group after the other.

use std::collections::BTreeMap;

use super::ir::{Opcode, Value};
use super::walk::{Group, Typed, Walk};
use crate::graph::Element;
use crate::loops::eval::function as elementary;
use crate::loops::{Expr, For, RegisterId, Statement, ValueId, ask, visit};
use crate::math::Function;

/// So many registers have room for two groups.
const ENOUGH: u32 = 32;

/// A chain of about so many operations is longer than what the processor looks ahead; below, a second group helps nothing.
const LONG: u32 = 16;

/// A loop of more operations has enough of them that do not wait.
const SHORT: u32 = 48;

/// Two groups of so many registers and their temporaries find room.
const CARRIED: usize = 6;

/// So many registers hold the values of all groups; the others hold what is the same for all, and what is about to be used.
const ROOM: usize = 20;

/// What an elementary function keeps beside its argument: what waits there goes to the stack, for less than waiting itself costs.
const TEMPORARIES: usize = 1;

/// The operations of an elementary function.
const ELEMENTARY: u32 = 12;

impl Walk<'_, '_> {
    /// Whether the group is a pair of groups of so many lanes.
    pub(super) fn is_pair_of(&self, lanes: u32) -> bool {
        lanes > 1 && self.width() == 2 * lanes
    }

    /// Several groups at a time, then what is left, one by one under a mask.
    pub(super) fn in_lockstep(
        &mut self,
        (repeated, groups): (&For, u32),
        width: u32,
        (begin, end): (Value, Value),
    ) {
        let (ir, variable) = (self.ir, repeated.variable);
        let step = i64::from(groups * width);
        let count = ir.binary(Opcode::LLVMSub, end, begin);
        let full = ir.binary(Opcode::LLVMAnd, count, ir.i64(-step));
        let full = ir.binary(Opcode::LLVMAdd, begin, full);
        let both = groups * width;
        self.group = Some(Group { variable, lanes: both, width: both, active: None });
        self.counted((begin, full), step, |walk, position| {
            walk.body_of_group((repeated, None), position);
        });
        self.group = Some(Group { variable, lanes: width, width, active: None });
        self.counted((full, end), i64::from(width), |walk, position| {
            walk.tail((repeated, None), end, position);
        });
    }

    /// How many groups are faster than one after the other, if several are.
    pub(super) fn lockstep(&self, repeated: &For, width: u32) -> Option<u32> {
        if self.pays_in_pairs(repeated, width) || self.waits_in_pairs(repeated, width) {
            return Some(2);
        }
        self.chains_in_lockstep(repeated, width)
    }

    /// How many groups of one register have room, if a body of values and stores keeps few of them at a time.
    fn chains_in_lockstep(&self, repeated: &For, width: u32) -> Option<u32> {
        let mut size = 0;
        let mut is_plain = self.level().registers() >= ENOUGH;
        visit::addresses(&repeated.body, &mut |buffer, _, _| {
            let content = &self.loops.buffers[buffer];
            size = size.max(content.element.size());
            is_plain &= content.lanes == 1;
        });
        let (mut length, mut temporaries) = (0, 0);
        let mut is_short = true;
        for statement in &repeated.body {
            if let Statement::Let { value: _, element, expr: _ } = statement {
                size = size.max(element.size());
            }
            is_plain &= matches!(statement, Statement::Let { .. } | Statement::Store { .. });
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| {
                    length += operations(expr);
                    is_plain &=
                        !matches!(expr, Expr::Shift { .. } | Expr::Register(_) | Expr::Combine(..));
                    if let Expr::Unary(function, _) = expr
                        && let Some(function) = elementary(*function)
                    {
                        temporaries = TEMPORARIES;
                        is_short &= stays_short(function);
                    }
                });
            });
        }
        let alive = alive(&repeated.body) + temporaries;
        let fits = width as usize * size == self.level().register_bytes() as usize;
        if !is_plain || !fits || length < LONG {
            return None;
        }
        let groups = [4, 2].into_iter().find(|groups| *groups as usize * alive <= ROOM)?;
        let is_followed = temporaries > 0 && is_short && size == Element::F32.size();
        Some(if groups == 4 && is_followed { 8 } else { groups })
    }

    /// Whether a group of two registers has a body that two groups can share: values, stores and folds.
    fn pays_in_pairs(&self, repeated: &For, width: u32) -> bool {
        let (mut size, mut is_plain) = (0, self.level().registers() >= ENOUGH);
        let mut length = 0;
        visit::addresses(&repeated.body, &mut |buffer, _, _| {
            let content = &self.loops.buffers[buffer];
            size = size.max(content.element.size());
            is_plain &= content.lanes == 1;
        });
        for statement in &repeated.body {
            let fold = match statement {
                Statement::Let { value: _, element, expr: _ } => {
                    size = size.max(element.size());
                    None
                }
                Statement::Set { register, expr } => {
                    let known = self.registers.get(register);
                    is_plain &= known.is_some_and(|known| known.lanes == width);
                    is_plain &= is_fold(*register, expr);
                    Some(*register)
                }
                Statement::Store { .. } => None,
                Statement::For(_)
                | Statement::If { .. }
                | Statement::Declare { .. }
                | Statement::Sync
                | Statement::Mma(_) => {
                    is_plain = false;
                    None
                }
            };
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| {
                    if let Expr::Register(register) = expr {
                        is_plain &= fold == Some(*register);
                    }
                    length += operations(expr);
                    is_plain &= !matches!(expr, Expr::Shift { .. });
                });
            });
        }
        is_plain
            && length >= LONG
            && width as usize * size == 2 * self.level().register_bytes() as usize
    }

    /// Whether a group of two registers has a body that is a loop in which registers depend on what they were: then every operation waits
    /// for the one before, and a second group finds the time.
    fn waits_in_pairs(&self, repeated: &For, width: u32) -> bool {
        let (mut size, mut is_plain) = (0, self.level().registers() >= ENOUGH);
        visit::addresses(&repeated.body, &mut |buffer, _, _| {
            let content = &self.loops.buffers[buffer];
            size = size.max(content.element.size());
            is_plain &= content.lanes == 1;
        });
        let mut loops = repeated.body.iter().filter_map(ask::as_loop);
        let (inner, others) = (loops.next(), loops.next());
        is_plain &= inner.is_some_and(|inner| inner.clip.is_none()) && others.is_none();
        let (mut declared, mut carried, mut length) = (Vec::new(), Vec::new(), 0);
        visit::statements(&repeated.body, &mut |statement| {
            match statement {
                Statement::Declare { register, element, .. } => {
                    size = size.max(element.size());
                    declared.push(*register);
                }
                Statement::Let { element, .. } => size = size.max(element.size()),
                Statement::Set { register, .. } => carried.push(*register),
                Statement::For(_) | Statement::Store { .. } => {}
                Statement::If { .. } | Statement::Sync | Statement::Mma(_) => is_plain = false,
            }
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| {
                    length += operations(expr);
                    is_plain &= !matches!(expr, Expr::Shift { .. } | Expr::Combine(..));
                });
            });
        });
        let loops = inner.map_or(0, |inner| inner.body.iter().filter_map(ask::as_loop).count());
        is_plain
            && loops == 0
            && length <= SHORT
            && declared.len() <= CARRIED
            && carried.iter().all(|register| declared.contains(register))
            && width as usize * size == 2 * self.level().register_bytes() as usize
    }

    /// A fold of both groups: of the first, then of the second.
    pub(super) fn fold_pair(&mut self, id: RegisterId, expr: &Expr) {
        let register = self.registers[&id];
        let lanes = register.lanes;
        let operands: Vec<Typed> =
            taken_in(expr).into_iter().map(|value| self.expr(value)).collect();
        for first in [0, lanes] {
            let part = |operand: &Typed| {
                if operand.lanes == 1 {
                    return self.widened(*operand, lanes);
                }
                let raw = self.ir.shuffle(operand.raw, first..first + lanes);
                Typed { raw, lanes, ..*operand }
            };
            let parts: Vec<Typed> = operands.iter().map(part).collect();
            let so_far = self.register(id);
            let next = match (expr, parts.as_slice()) {
                (Expr::Binary(function, ..), [value]) => self.binary(*function, so_far, *value),
                (_, [a, b]) => self.multiply_add([*a, *b, so_far]),
                (_, _) => crate::bug!("llvm", "{expr:?} is no fold"),
            };
            self.ir.store(next.raw, register.slot, register.element.size());
        }
    }
}

/// How many values a body keeps at most at a time.
pub(super) fn alive(body: &[Statement]) -> usize {
    let mut last: BTreeMap<ValueId, usize> = BTreeMap::new();
    for (position, statement) in body.iter().enumerate() {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Value(value) = expr {
                    last.insert(*value, position);
                }
            });
        });
    }
    let mut most = 0;
    let mut known: Vec<ValueId> = Vec::new();
    for (position, statement) in body.iter().enumerate() {
        known.retain(|value| last.get(value).is_some_and(|last| *last > position));
        if let Statement::Let { value, .. } = statement {
            known.push(*value);
        }
        most = most.max(known.len());
    }
    most
}

/// About how many operations an expression has besides those of its operands.
fn operations(expr: &Expr) -> u32 {
    match expr {
        Expr::Unary(function, _) if elementary(*function).is_some() => ELEMENTARY,
        Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Convert(..)
        | Expr::Bits(_)
        | Expr::Shift { .. } => 1,
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. }
        | Expr::Load(..) => 0,
    }
}

/// Whether a function of `f32` is computed in `f32`: in `f64` it has twice as many registers, and eight groups too many.
fn stays_short(function: Function) -> bool {
    match function {
        Function::Exp
        | Function::Exp2
        | Function::Expm1
        | Function::Tanh
        | Function::Sigmoid
        | Function::Log
        | Function::Log2
        | Function::Rsqrt
        | Function::Erf
        | Function::ErfInv => true,
        Function::Sinh
        | Function::Cosh
        | Function::Log1p
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Cbrt => false,
    }
}

/// Whether a register takes in values that do not depend on it.
fn is_fold(register: RegisterId, expr: &Expr) -> bool {
    let own = Expr::Register(register);
    let mut is_free = true;
    for value in taken_in(expr) {
        visit::expressions(value, &mut |expr| is_free &= *expr != own);
    }
    ask::fold_of(register, expr).is_some() && is_free
}

/// What a fold takes in.
fn taken_in(fold: &Expr) -> Vec<&Expr> {
    if let Expr::Binary(_, _, value) = fold {
        return vec![value];
    }
    if let Expr::MultiplyAdd(a, b, _) = fold {
        return vec![a, b];
    }
    Vec::new()
}
