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
//! The outermost loop of a nest with tasks counts from `begin`, a multiple of the lanes, to `end`. If several loops are shared,
//! each runs as often as the range needs, and finds out in every iteration how much of the range lies in it:
//!
//! ```text
//! tasks begin to end of                for (i = begin / m; i < ceil(end / m); i++) {
//! for i in 0..n {                        front
//!   front                                for (j = max(begin - i * m, 0); j < min(end - i * m, m); j++) body
//!   for j in 0..m { body }             }
//! }
//! ```
//! Where there are registers enough, groups go [in lockstep](super::lockstep).

use std::collections::BTreeMap;

use super::ir::{IntPredicate, Opcode, Value};
use super::walk::{Active, Group, Range, Register, Typed, Walk, groups};
use crate::graph::{Dim, Element};
use crate::loops::{Expr, For, Manner, RegisterId, Statement};

impl<'a> Walk<'a, '_> {
    pub(super) fn statements(&mut self, block: &[Statement]) {
        if self.team().is_some() {
            return block.iter().for_each(|statement| self.statement(statement));
        }
        let woven = self.woven(block);
        let is_woven = |place: usize| woven.values().any(|stores| stores.contains(&place));
        let mut runs: BTreeMap<usize, Vec<usize>> = self.runs(block).into_iter().collect();
        runs.retain(|_, stores| !stores.iter().any(|place| is_woven(*place)));
        let in_run = |place: usize| runs.values().any(|stores| stores.contains(&place));
        let mut waiting = BTreeMap::new();
        let mut pieces = self.pieces(block);
        for (place, statement) in block.iter().enumerate() {
            if let Statement::Let { value, element, expr: _ } = statement
                && let Some(raw) = self.of_piece(&mut pieces, place)
            {
                let lanes = self.width();
                self.values.insert(*value, Typed { raw, element: *element, lanes });
                continue;
            }
            let Statement::Store { buffer, address: _, expr } = statement else {
                self.statement(statement);
                continue;
            };
            if !is_woven(place) && !in_run(place) {
                self.statement(statement);
                continue;
            }
            let value = self.expr(expr);
            waiting.insert(place, self.widened(value, self.width()).raw);
            let Some(stores) = woven.get(&place).or(runs.get(&place)) else { continue };
            let Statement::Store { address, .. } = &block[stores[0]] else { continue };
            let values: Vec<Value> = stores.iter().map(|place| waiting[place]).collect();
            if is_woven(place) {
                self.store_tuples(*buffer, address, &values);
            } else {
                self.store_run(*buffer, address, &values);
            }
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::For(repeated) if self.team().is_some() => self.loop_of_team(repeated),
            Statement::For(repeated) => match repeated.manner {
                Manner::Sorted => self.sorted(repeated),
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
            Statement::Store { buffer, address, expr } if self.is_for_first_thread() => {
                self.store_by_first_thread(*buffer, address, expr);
            }
            Statement::Store { buffer, address, expr } => {
                let value = self.expr(expr);
                self.store(*buffer, address, value);
            }
            Statement::If { condition, body } => {
                let condition = self.expr(condition).raw;
                self.when(condition, |walk| walk.statements(body));
            }
            Statement::Mma(mma) => self.mma(mma),
            Statement::Sync => self.sync(),
        }
    }

    fn declare(&mut self, register: RegisterId, element: Element, parts: u32, initial: &Expr) {
        let initial = self.expr(initial);
        let lanes = if self.group.is_some() { self.width() } else { self.parts_here(parts) };
        let parts = self.group.map_or(parts, |group| group.lanes);
        let outlives = self.group.is_none();
        // The tail of a group is a second copy of the body, and has a register of its own.
        let slot = self.stack(element, lanes);
        let seen = self.no_nan(register, element);
        self.registers.insert(register, Register { slot, element, lanes, parts, outlives, seen });
        let value = self.widened(initial, lanes);
        self.ir.store(value.raw, slot, element.size());
    }

    fn set(&mut self, id: RegisterId, expr: &Expr) {
        let register = self.registers[&id];
        if register.seen.is_some() {
            return self.fold_extreme(id, expr);
        }
        if register.outlives && self.is_several_of(register.lanes) {
            return self.fold_in_order(id, expr);
        }
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
        let range = self.take_range(repeated);
        if repeated.extent.is(1) && repeated.clip.is_none() && range.is_none() {
            self.variables.insert(repeated.variable, self.ir.i64(0));
            self.statements(&repeated.body);
            return;
        }
        if range.is_none() && self.in_blocks(repeated) {
            return;
        }
        let (bounds, inside) = match range {
            Some((bounds, inside)) => (bounds, inside),
            None => ((self.ir.i64(0), self.extent(repeated)), None),
        };
        self.counted(bounds, 1, |walk, position| {
            walk.variables.insert(repeated.variable, position);
            walk.ask_for_copied(repeated);
            walk.enter(inside.as_ref(), position);
            walk.row(repeated);
        });
    }

    /// Which iterations of a loop are executed if it is the next that is shared, and the tasks of the loops inside.
    fn take_range(&mut self, repeated: &For) -> Option<((Value, Value), Option<Range<'a>>)> {
        let is_next = |range: &mut Range<'a>| range.loops[0].variable == repeated.variable;
        let Range { mut loops, begin, end } = self.range.take_if(is_next)?;
        loops.remove(0);
        if loops.is_empty() {
            return Some(((begin, end), None));
        }
        let ir = self.ir;
        let tasks = self.tasks_of(&loops);
        let width = ir.i64(i64::from(repeated.width()));
        let first = ir.binary(Opcode::LLVMSDiv, begin, tasks);
        let last = ir.binary(Opcode::LLVMAdd, end, ir.binary(Opcode::LLVMSub, tasks, ir.i64(1)));
        let last = ir.binary(Opcode::LLVMSDiv, last, tasks);
        let last = ir.binary(Opcode::LLVMMul, last, width);
        let extent = self.dim(&repeated.extent);
        let last = ir.intrinsic("llvm.smin", &[ir.int(64)], &[last, extent]);
        let bounds = (ir.binary(Opcode::LLVMMul, first, width), last);
        Some((bounds, Some(Range { loops, begin, end })))
    }

    /// How many tasks an iteration around shared loops has, at least 1.
    fn tasks_of(&mut self, inside: &[&For]) -> Value {
        let tasks = inside.iter().fold(Dim::from(1), |tasks, inner| tasks * groups(inner));
        let place = self.ir.current_block();
        let tasks = self.dims.value(&tasks);
        self.ir.position(self.entry);
        let tasks = self.ir.intrinsic("llvm.smax", &[self.ir.int(64)], &[tasks, self.ir.i64(1)]);
        self.ir.position(place);
        tasks
    }

    /// Begins an iteration of a shared loop: only so much of the range lies inside.
    fn enter(&mut self, inside: Option<&Range<'a>>, iteration: Value) {
        let Some(Range { loops, begin, end }) = inside else { return };
        let ir = self.ir;
        let tasks = self.tasks_of(loops);
        let start = ir.binary(Opcode::LLVMMul, iteration, tasks);
        let [begin, end] = [begin, end].map(|it| ir.binary(Opcode::LLVMSub, *it, start));
        let mut begin = ir.intrinsic("llvm.smax", &[ir.int(64)], &[begin, ir.i64(0)]);
        let mut end = ir.intrinsic("llvm.smin", &[ir.int(64)], &[end, tasks]);
        if let [inner] = loops.as_slice()
            && inner.width() > 1
        {
            // Of one loop the iterations are counted.
            let width = ir.i64(i64::from(inner.width()));
            let extent = self.dim(&inner.extent);
            [begin, end] = [begin, end].map(|it| ir.binary(Opcode::LLVMMul, it, width));
            end = ir.intrinsic("llvm.smin", &[ir.int(64)], &[end, extent]);
        }
        self.range = Some(Range { loops: loops.clone(), begin, end });
    }

    /// Groups of lanes without a mask, then the rest with one.
    fn lanes(&mut self, repeated: &For, width: u32) {
        let (ir, step) = (self.ir, i64::from(width));
        let (range, inside) = match self.take_range(repeated) {
            Some((bounds, inside)) => (Some(bounds), inside),
            None => (None, None),
        };
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
        self.group = Some(Group { variable, lanes: width, width, active: None });
        let is_long = constant.is_none_or(|extent| extent >= 2 * step);
        let lockstep = self.lockstep(repeated, width).filter(|_| is_long && inside.is_none());
        if let Some(groups) = lockstep {
            self.in_lockstep((repeated, groups), width, (begin, extent));
            self.group = None;
            return;
        }
        let divides = |extent: &Dim| extent.terms().iter().all(|(_, factor)| factor % step == 0);
        let all_full = divides(&repeated.extent)
            && repeated.clip.iter().all(|clip| {
                clip.computed.is_empty()
                    && divides(&clip.constant)
                    && clip.terms.iter().all(|(_, factor)| divides(factor))
            });
        if !all_full && self.level().masks_are_free() && holds_loops(&repeated.body) {
            self.all_masked((repeated, inside.as_ref()), (begin, extent), constant);
            self.group = None;
            return;
        }
        let group = (repeated, inside.as_ref());
        let full = match constant {
            Some(extent) => ir.i64(extent & -step),
            None => ir.binary(Opcode::LLVMAnd, extent, ir.i64(-step)),
        };
        match constant.map(|extent| extent / step) {
            Some(0) => {}
            Some(1) => self.body_of_group(group, ir.i64(0)),
            Some(_) | None => self.counted((begin, full), step, |walk, position| {
                walk.body_of_group(group, position);
            }),
        }
        match constant.map(|extent| extent % step) {
            _ if all_full => {}
            Some(0) => {}
            Some(_) => self.tail(group, extent, full),
            None => {
                let remains = ir.compare_int(IntPredicate::LLVMIntSLT, full, extent);
                self.when(remains, |walk| walk.tail(group, extent, full));
            }
        }
        self.group = None;
    }

    /// Every group under a mask: a body with loops is too long to be written twice, and too slow for the mask to cost anything.
    /// Of a single group the place is known, so that what depends on its lanes is computed outside of the loops around:
    /// that pays where neighbours are stored by every lane. Elsewhere it is a mask, which had better not be kept through those loops.
    fn all_masked(
        &mut self,
        group: (&For, Option<&Range<'a>>),
        (begin, end): (Value, Value),
        known: Option<i64>,
    ) {
        let (ir, step) = (self.ir, i64::from(self.width()));
        if known.is_some_and(|extent| (1..step).contains(&extent)) {
            return self.tail(group, end, begin);
        }
        let is_single = group.0.extent.as_constant().is_some_and(|extent| extent <= step);
        if is_single && self.stores_neighbours(&group.0.body) {
            let runs = ir.compare_int(IntPredicate::LLVMIntSLT, begin, end);
            return self.when(runs, |walk| walk.tail(group, end, begin));
        }
        self.counted((begin, end), step, |walk, position| walk.tail(group, end, position));
    }

    /// How often a loop runs.
    pub(super) fn extent(&mut self, repeated: &For) -> Value {
        let extent = self.dim(&repeated.extent);
        let Some(clip) = &repeated.clip else { return extent };
        let affine = self.affine(&clip.constant, &clip.terms);
        let clip = clip.computed.iter().fold(affine, |sum, (expr, by)| {
            let (value, by) = (self.expr(expr).raw, self.dim(by));
            let part = self.ir.binary(Opcode::LLVMMul, value, by);
            self.ir.binary(Opcode::LLVMAdd, sum, part)
        });
        let both = [extent, clip];
        self.ir.intrinsic("llvm.smin", &[self.ir.int(64)], &both)
    }

    /// One group of a loop, which may be shared with loops inside.
    pub(super) fn body_of_group(
        &mut self,
        (repeated, inside): (&For, Option<&Range<'a>>),
        position: Value,
    ) {
        self.variables.insert(repeated.variable, position);
        let width = self.ir.i64(i64::from(self.width()));
        let iteration = self.ir.binary(Opcode::LLVMSDiv, position, width);
        self.enter(inside, iteration);
        self.statements(&repeated.body);
    }

    pub(super) fn tail(&mut self, group: (&For, Option<&Range<'a>>), extent: Value, full: Value) {
        let (ir, all) = (self.ir, self.group);
        let width = all.map_or(1, |group| group.lanes);
        let count = ir.binary(Opcode::LLVMSub, extent, full);
        // At most `width` lanes count, so 32 bits are enough; they need half the registers.
        let narrow = ir.int(32);
        let most = ir.i64(i64::from(width));
        let count = ir.intrinsic("llvm.smin", &[ir.int(64)], &[count, most]);
        let bound = ir.splat(ir.cast(Opcode::LLVMTrunc, count, narrow), self.width());
        let mask = ir.compare_int(IntPredicate::LLVMIntULT, self.lane_numbers(narrow), bound);
        self.group = all.map(|group| Group { active: Some(Active { mask, count }), ..group });
        self.body_of_group(group, full);
        self.group = all;
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
        let counter = ir.phi(ir.int(64));
        ir.incoming(counter, begin, head);
        // See Note [Counters are hidden].
        let position = if self.processor.level().is_some() { ir.hidden(counter) } else { counter };
        body(self, position);
        let next = ir.add_without_overflow(position, ir.i64(step));
        let repeats = ir.compare_int(IntPredicate::LLVMIntSLT, next, end);
        ir.incoming(counter, next, ir.current_block());
        ir.branch_if(repeats, inside, behind);
        ir.position(behind);
    }

    /// Executes `body` if a condition holds.
    pub(super) fn when(&mut self, condition: Value, body: impl FnOnce(&mut Self)) {
        let ir = self.ir;
        let (then, behind) = (ir.block(self.function), ir.block(self.function));
        ir.branch_if(condition, then, behind);
        ir.position(then);
        body(self);
        ir.branch(behind);
        ir.position(behind);
    }
}

pub(super) fn holds_loops(body: &[Statement]) -> bool {
    body.iter().any(|statement| matches!(statement, Statement::For(_)))
}

// Note [Counters are hidden]
// --------------------------
// Code generation rewrites the addresses of a loop as sums that grow with its counter. Finding them takes it a fifth of its time, and a tile of
// six rows, whose addresses are one counter and six pointers anyway, gets a register more for every sum.
// So the counter goes through an instruction of no bytes, of which LLVM knows nothing: addresses stay products and sums as they are written,
// what does not change in a loop is taken out of it as before, and what does is an operand of the access.
// For the gradient of an encoder layer that is a sixth less time, and its code is as fast.
