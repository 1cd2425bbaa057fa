//! Statements: loops, lanes with their masked tail, registers, branches.
//!
//! In:  a block of statements.   Out: instructions and basic blocks.
//!
//! ```text
//! for j in 0..m lanes 16 { body }      full = m & -16
//!                                      for (j = 0; j < full; j += 16) body
//!                                      if (full < m) { j = full; mask = iota < m - full; body under the mask }
//! ```
//!
//! The outermost loop of a nest with tasks counts from `begin`, a multiple of the lanes, to `end`.

use super::ir::{IntPredicate, Opcode, Value};
use super::walk::{Active, Group, Register, Walk};
use crate::graph::Element;
use crate::loops::{Expr, For, Manner, RegisterId, Statement, VariableId};

impl Walk<'_, '_> {
    pub(super) fn statements(&mut self, block: &[Statement]) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::For(repeated) => match repeated.manner {
                Manner::Lanes(width) if width > 1 => self.lanes(repeated, width),
                Manner::Serial | Manner::Parallel | Manner::Lanes(_) => self.serial(repeated),
            },
            Statement::Let { value, element: _, expr } => {
                let typed = self.expr(expr);
                self.values.insert(*value, typed);
            }
            Statement::Declare { register, element, lanes, initial } => {
                self.declare(*register, *element, *lanes, initial);
            }
            Statement::Set { register, expr } => self.set(*register, expr),
            Statement::Store { buffer, address, expr } => {
                let value = self.expr(expr);
                self.store(*buffer, address, value);
            }
            Statement::If { condition, body } => {
                let condition = self.expr(condition).raw;
                self.when(condition, |walk| walk.statements(body));
            }
        }
    }

    fn declare(&mut self, register: RegisterId, element: Element, parts: u32, initial: &Expr) {
        let initial = self.expr(initial);
        let lanes = if self.group.is_some() { self.width() } else { parts };
        let outlives = self.group.is_none();
        // The tail of a group is a second copy of the body, and has a register of its own.
        let slot = self.stack(element, lanes);
        self.registers.insert(register, Register { slot, element, lanes, outlives });
        let value = self.widened(initial, lanes);
        self.ir.store(value.raw, slot, element.size());
    }

    fn set(&mut self, id: RegisterId, expr: &Expr) {
        let register = self.registers[&id];
        let value = self.expr(expr);
        let mut raw = self.widened(value, register.lanes).raw;
        let active = self.group.and_then(|group| group.active).filter(|_| register.outlives);
        if let Some(active) = active {
            let old = self.register(id).raw;
            raw = self.ir.select(active.mask, raw, old);
        }
        self.ir.store(raw, register.slot, register.element.size());
    }

    fn serial(&mut self, repeated: &For) {
        let range = self.range.take();
        if repeated.extent.is(1) && repeated.clip.is_none() && range.is_none() {
            self.variables.insert(repeated.variable, self.ir.i64(0));
            self.statements(&repeated.body);
            return;
        }
        if range.is_none() && self.in_blocks(repeated) {
            return;
        }
        let range = range.unwrap_or_else(|| (self.ir.i64(0), self.extent(repeated)));
        self.counted(range, 1, |walk, position| {
            walk.variables.insert(repeated.variable, position);
            walk.ask_ahead(repeated);
            walk.statements(&repeated.body);
        });
    }

    /// Groups of lanes without a mask, then the rest with one.
    fn lanes(&mut self, repeated: &For, width: u32) {
        let (ir, step) = (self.ir, i64::from(width));
        let range = self.range.take();
        let is_constant = repeated.clip.is_none() && range.is_none();
        let constant = repeated.extent.as_constant().filter(|_| is_constant);
        let constant = constant.map(|extent| extent.max(0));
        let variable = repeated.variable;
        let (begin, extent) = match (constant, range) {
            (Some(extent), _) => (ir.i64(0), ir.i64(extent)),
            (None, Some(range)) => range,
            (None, None) => {
                let at_least_0 = [self.extent(repeated), ir.i64(0)];
                (ir.i64(0), ir.intrinsic("llvm.smax", &[ir.int(64)], &at_least_0))
            }
        };
        self.group = Some(Group { variable, width, active: None });
        let all_full = repeated.clip.is_none()
            && repeated.extent.terms().iter().all(|(_, factor)| factor % step == 0);
        if !all_full && self.level.masks_are_free() && holds_loops(&repeated.body) {
            self.all_masked(repeated, (begin, extent), constant);
            self.group = None;
            return;
        }
        let full = match constant {
            Some(extent) => ir.i64(extent & -step),
            None => ir.binary(Opcode::LLVMAnd, extent, ir.i64(-step)),
        };
        match constant.map(|extent| extent / step) {
            Some(0) => {}
            Some(1) => self.body_of_group(variable, ir.i64(0), &repeated.body),
            Some(_) | None => self.counted((begin, full), step, |walk, position| {
                walk.body_of_group(variable, position, &repeated.body);
            }),
        }
        match constant.map(|extent| extent % step) {
            _ if all_full => {}
            Some(0) => {}
            Some(_) => self.tail(repeated, extent, full),
            None => {
                let remains = ir.compare_int(IntPredicate::LLVMIntSLT, full, extent);
                self.when(remains, |walk| walk.tail(repeated, extent, full));
            }
        }
        self.group = None;
    }

    /// Every group under a mask: a body with loops is too long to be written twice, and too slow for the mask to cost anything.
    fn all_masked(&mut self, repeated: &For, (begin, end): (Value, Value), known: Option<i64>) {
        let step = i64::from(self.width());
        if known.is_some_and(|extent| (1..step).contains(&extent)) {
            return self.tail(repeated, end, begin);
        }
        self.counted((begin, end), step, |walk, position| walk.tail(repeated, end, position));
    }

    /// How often a loop runs.
    pub(super) fn extent(&mut self, repeated: &For) -> Value {
        let extent = self.dim(&repeated.extent);
        let Some(clip) = &repeated.clip else { return extent };
        let both = [extent, self.affine(&clip.constant, &clip.terms)];
        self.ir.intrinsic("llvm.smin", &[self.ir.int(64)], &both)
    }

    fn body_of_group(&mut self, variable: VariableId, position: Value, body: &[Statement]) {
        self.variables.insert(variable, position);
        self.statements(body);
    }

    fn tail(&mut self, repeated: &For, extent: Value, full: Value) {
        let (ir, width) = (self.ir, self.width());
        let count = ir.binary(Opcode::LLVMSub, extent, full);
        // At most `width` lanes count, so 32 bits are enough; they need half the registers.
        let narrow = ir.int(32);
        let most = ir.i64(i64::from(width));
        let count = ir.intrinsic("llvm.smin", &[ir.int(64)], &[count, most]);
        let bound = ir.splat(ir.cast(Opcode::LLVMTrunc, count, narrow), width);
        let mask = ir.compare_int(IntPredicate::LLVMIntULT, ir.iota(narrow, width), bound);
        let group = Group { variable: repeated.variable, width, active: None };
        self.group = Some(Group { active: Some(Active { mask, count }), ..group });
        self.body_of_group(repeated.variable, full, &repeated.body);
        self.group = Some(group);
    }

    /// `for (position = begin; position < end; position += step)`.
    pub(super) fn counted(
        &mut self,
        (begin, end): (Value, Value),
        step: i64,
        body: impl FnOnce(&mut Self, Value),
    ) {
        let ir = self.ir;
        let (head, inside, behind) =
            (ir.current_block(), ir.block(self.function), ir.block(self.function));
        let enters = ir.compare_int(IntPredicate::LLVMIntSLT, begin, end);
        ir.branch_if(enters, inside, behind);
        ir.position(inside);
        let position = ir.phi(ir.int(64));
        ir.incoming(position, begin, head);
        body(self, position);
        let next = ir.add_without_overflow(position, ir.i64(step));
        let repeats = ir.compare_int(IntPredicate::LLVMIntSLT, next, end);
        ir.incoming(position, next, ir.current_block());
        ir.branch_if(repeats, inside, behind);
        ir.position(behind);
    }

    /// Executes `body` if a condition holds.
    fn when(&mut self, condition: Value, body: impl FnOnce(&mut Self)) {
        let ir = self.ir;
        let (then, behind) = (ir.block(self.function), ir.block(self.function));
        ir.branch_if(condition, then, behind);
        ir.position(then);
        body(self);
        ir.branch(behind);
        ir.position(behind);
    }
}

fn holds_loops(body: &[Statement]) -> bool {
    body.iter().any(|statement| matches!(statement, Statement::For(_)))
}
