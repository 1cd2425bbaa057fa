//! Integers put in order by comparing registers of them: quicksort, with networks at the bottom.
//!
//! In:  a loop that sorts.   Out: a call of a function that sorts numbers of this size, written once for a module.
//!
//! ```text
//! before                                             after
//! for i in 0..1 sorted {                             defn_sort_32(&k1[begin], &r0[begin], n)
//!   for j in 0..n { store r0[j] = load k1[j] }
//! }
//! ```
//!
//! The function has two places: `from`, where the numbers are, and `to`, where they must be. What is known at any time:
//!
//! ```text
//! to      | smaller parts, each one with its length on a list | … | in order, all of them greater |
//! from    | the part at hand, unless it is the last of those   | …
//! ```
//!
//! 1. A part that fits into a few registers goes through a [network] to its place.
//! 2. Any other is [divided](partition) by a number: the smaller ones go behind the parts in `to`, the others to the beginning of `from`, and are
//!    the next part at hand. Both places are written in order from where they are read or before it, so that one of them is where the part is.
//! 3. Where nothing is left at hand, the last part of the list is.
//!
//! The number is a median of 81 that lie at nine places of the part, so that a row in order is halved, too. Whoever finds a part that was divided
//! badly takes the middle between its least and its greatest number: then there is an end after as many steps as a number has bits,
//! and a part without a middle is in order. So the list is never longer than the bits of a number and the good halvings of a row of any length.
//!
//! Nothing here depends on what numbers there are but the time: numbers that are equal are the same number.

mod network;
mod partition;

use super::ir::{Block, Function, IntPredicate, Ir, Linkage, Opcode, Type, Value};
use super::target;
use super::walk::Walk;
use crate::loops::For;
use crate::loops::sort::Sort;
use crate::options::Level;

/// A part that was divided so that one side has less than this share is divided badly.
const BAD: i64 = 8;
/// More parts than can be on the list: a good division leaves at most 7/8, and 2^48 · (7/8)^250 < 1; at most two of three are bad,
/// the second of which halves the 64 bits of a range.
const LIST: usize = 512;

impl Walk<'_, '_> {
    /// A loop that sorts.
    pub(super) fn sorted(&mut self, sorted: &For) {
        let Some(sort) = Sort::of(sorted) else { crate::bug!("llvm", "a loop that does not sort") };
        self.variables.insert(sorted.variable, self.ir.i64(0));
        let length = self.extent(sort.moves);
        self.variables.insert(sort.moves.variable, self.ir.i64(0));
        let [from, to] = [sort.from, sort.to].map(|(buffer, address)| self.first(buffer, address));
        let bits = 8 * self.loops.buffers[sort.to.0].element.size() as u32;
        let (ir, level) = (self.ir, self.level());
        let place = ir.current_block();
        let name = format!("defn_sort_{bits}");
        let function =
            ir.find(&name).unwrap_or_else(|| Sorter::new(ir, &name, (bits, level)).write());
        ir.position(place);
        ir.call(function, &[from, to, length]);
    }
}

/// A function that is being written.
struct Sorter<'a, 'c> {
    ir: &'a Ir<'c>,
    level: Level,
    function: Function,
    entry: Block,
    /// Of a number.
    bits: u32,
    ty: Type,
    /// How many numbers a register has.
    lanes: u32,
}

/// What changes from part to part: places on the stack, which LLVM promotes.
struct State {
    /// Where the part at hand is, and how long it is.
    source: Value,
    length: Value,
    /// Whether it comes of a bad division.
    is_bad: Value,
    /// How many numbers are in parts of the list, and how many of these there are.
    waiting: Value,
    count: Value,
    /// Of each part on the list twice the length, and 1 if it comes of a bad division.
    list: Value,
    /// By which number the part at hand is divided, and whether it is in order instead.
    pivot: Value,
    is_done: Value,
}

impl<'a, 'c> Sorter<'a, 'c> {
    /// A function of two places and how many numbers there are.
    fn new(ir: &'a Ir<'c>, name: &str, (bits, level): (u32, Level)) -> Self {
        let (pointer, wide) = (ir.pointer(), ir.int(64));
        let function = ir.function(name, &[pointer, pointer, wide], Linkage::Internal);
        target::describe(ir, function, level);
        ir.attribute(function, None, "noinline");
        let entry = ir.block(function);
        let lanes = level.register_bytes() * 8 / bits;
        Self { ir, level, function, entry, bits, ty: ir.int(bits), lanes }
    }

    /// Writes the steps above.
    fn write(&self) -> Function {
        let ir = self.ir;
        let leaves = self.leaves();
        let body = ir.block(self.function);
        let state = self.state();
        ir.position(body);
        let [from, to, length] = [0, 1, 2].map(|index| ir.parameter(self.function, index));
        ir.store(from, state.source, 8);
        ir.store(length, state.length, 8);
        for slot in [state.waiting, state.count, state.is_bad] {
            self.set(slot, ir.i64(0));
        }
        let [step, next, pop, end] = [(); 4].map(|()| ir.block(self.function));
        ir.branch(step);

        ir.position(step);
        self.set(state.is_done, ir.i64(0));
        let length = self.get(state.length);
        let is_short = self.is_at_most(length, self.shortest());
        self.either(
            is_short,
            || self.leaf(&state, &leaves, to),
            || {
                let is_good = self.is_zero(self.get(state.is_bad));
                self.either(is_good, || self.median(&state), || self.middle(&state, to));
                let is_open = self.is_zero(self.get(state.is_done));
                self.either(is_open, || self.divide(&state, (from, to)), || {});
            },
        );
        ir.branch_if(self.is_zero(self.get(state.is_done)), step, next);

        ir.position(next);
        ir.branch_if(self.is_zero(self.get(state.count)), end, pop);
        ir.position(pop);
        self.take_last(&state, to);
        ir.branch(step);
        ir.position(end);
        ir.return_nothing();
        ir.position(self.entry);
        ir.branch(body);
        self.function
    }

    fn state(&self) -> State {
        let ir = self.ir;
        let wide = ir.int(64);
        let slot = |ty: Type| ir.stack(self.entry, ty);
        State {
            source: slot(ir.pointer()),
            length: slot(wide),
            is_bad: slot(wide),
            waiting: slot(wide),
            count: slot(wide),
            list: slot(ir.array(wide, LIST)),
            pivot: slot(self.ty),
            is_done: slot(wide),
        }
    }

    /// Sends a short part through the smallest network that it fits into.
    fn leaf(&self, state: &State, leaves: &[(u32, Function)], to: Value) {
        let ir = self.ir;
        let (source, length) = (self.source(state), self.get(state.length));
        let target = self.at(to, self.get(state.waiting));
        self.smallest(leaves, length, &[source, target, length]);
        self.set(state.is_done, ir.i64(1));
    }

    fn smallest(&self, leaves: &[(u32, Function)], length: Value, arguments: &[Value]) {
        let Some(((rows, leaf), longer)) = leaves.split_first() else { return };
        if longer.is_empty() {
            return self.ir.call(*leaf, arguments);
        }
        let fits = self.is_at_most(length, i64::from(rows * self.lanes));
        let otherwise = || self.smallest(longer, length, arguments);
        self.either(fits, || self.ir.call(*leaf, arguments), otherwise);
    }

    /// The median of 81: of three registers of medians of three registers, and in them of three lanes and three lanes.
    fn median(&self, state: &State) {
        let ir = self.ir;
        let (source, length) = (self.source(state), self.get(state.length));
        let last = ir.binary(Opcode::LLVMSub, length, ir.i64(i64::from(self.lanes)));
        let row = |place: i64| {
            let at = ir.binary(Opcode::LLVMMul, last, ir.i64(place));
            let at = ir.binary(Opcode::LLVMLShr, at, ir.i64(3));
            ir.load(self.row(), self.at(source, at), self.bytes())
        };
        let three = |first: i64| self.of_three([0, 3, 6].map(|apart| row(first + apart)));
        let mut median = self.of_three([0, 1, 2].map(three));
        for apart in [self.lanes / 4, 1] {
            let turned = |by: u32| {
                ir.shuffle(median, (0..self.lanes).map(|lane| (lane + by * apart) % self.lanes))
            };
            median = self.of_three([median, turned(1), turned(2)]);
        }
        ir.store(ir.extract(median, ir.i64(0)), state.pivot, self.bytes());
    }

    /// max(min(a, b), min(max(a, b), c))
    fn of_three(&self, [a, b, c]: [Value; 3]) -> Value {
        self.max(self.min(a, b), self.min(self.max(a, b), c))
    }

    /// Takes the middle between the least and the greatest, above the least; if there is none, the part goes to its place.
    fn middle(&self, state: &State, to: Value) {
        let ir = self.ir;
        let (source, length) = (self.source(state), self.get(state.length));
        let [least, greatest] = self.extremes(source, length);
        let difference = ir.binary(Opcode::LLVMSub, greatest, least);
        let one = ir.constant(self.ty, 1);
        // As numbers without a sign nothing overflows.
        let half = ir.binary(Opcode::LLVMLShr, difference, one);
        let half = ir.binary(Opcode::LLVMAdd, half, one);
        ir.store(ir.binary(Opcode::LLVMAdd, least, half), state.pivot, self.bytes());
        let is_done = ir.compare_int(IntPredicate::LLVMIntEQ, least, greatest);
        let place = || {
            self.copy((source, self.at(to, self.get(state.waiting))), length);
            self.set(state.is_done, ir.i64(1));
        };
        self.either(is_done, place, || {});
    }

    /// Puts the smaller numbers on the list, and goes on with the others.
    fn divide(&self, state: &State, (from, to): (Value, Value)) {
        let ir = self.ir;
        let (source, length) = (self.source(state), self.get(state.length));
        let pivot = ir.load(self.ty, state.pivot, self.bytes());
        let waiting = self.get(state.waiting);
        let smaller = self.partition((source, length), (self.at(to, waiting), from), pivot);
        let others = ir.binary(Opcode::LLVMSub, length, smaller);
        let wide = ir.int(64);
        let least = ir.intrinsic("llvm.smin", &[wide], &[smaller, others]);
        let share = ir.binary(Opcode::LLVMSDiv, length, ir.i64(BAD));
        let is_bad = ir.compare_int(IntPredicate::LLVMIntSLT, least, share);
        let is_bad = ir.cast(Opcode::LLVMZExt, is_bad, wide);
        let count = self.get(state.count);
        let entry = ir.binary(Opcode::LLVMShl, smaller, ir.i64(1));
        let entry = ir.binary(Opcode::LLVMOr, entry, is_bad);
        self.set(ir.element_address(wide, state.list, count), entry);
        self.set(state.count, ir.binary(Opcode::LLVMAdd, count, ir.i64(1)));
        self.set(state.waiting, ir.binary(Opcode::LLVMAdd, waiting, smaller));
        self.set(state.length, others);
        self.set(state.is_bad, is_bad);
        ir.store(from, state.source, 8);
    }

    /// Takes the last part of the list.
    fn take_last(&self, state: &State, to: Value) {
        let ir = self.ir;
        let count = ir.binary(Opcode::LLVMSub, self.get(state.count), ir.i64(1));
        let entry = self.get(ir.element_address(ir.int(64), state.list, count));
        let length = ir.binary(Opcode::LLVMLShr, entry, ir.i64(1));
        let waiting = ir.binary(Opcode::LLVMSub, self.get(state.waiting), length);
        self.set(state.count, count);
        self.set(state.length, length);
        self.set(state.is_bad, ir.binary(Opcode::LLVMAnd, entry, ir.i64(1)));
        self.set(state.waiting, waiting);
        ir.store(self.at(to, waiting), state.source, 8);
    }

    // --- words ---

    fn bytes(&self) -> usize {
        self.bits as usize / 8
    }

    /// The type of a register.
    fn row(&self) -> Type {
        self.ir.vector(self.ty, self.lanes)
    }

    fn at(&self, place: Value, index: Value) -> Value {
        self.ir.element_address(self.ty, place, index)
    }

    fn source(&self, state: &State) -> Value {
        self.ir.load(self.ir.pointer(), state.source, 8)
    }

    fn get(&self, slot: Value) -> Value {
        self.ir.load(self.ir.int(64), slot, 8)
    }

    fn set(&self, slot: Value, value: Value) {
        self.ir.store(value, slot, 8);
    }

    fn min(&self, a: Value, b: Value) -> Value {
        self.ir.intrinsic("llvm.smin", &[self.ir.type_of(a)], &[a, b])
    }

    fn max(&self, a: Value, b: Value) -> Value {
        self.ir.intrinsic("llvm.smax", &[self.ir.type_of(a)], &[a, b])
    }

    fn is_zero(&self, value: Value) -> Value {
        self.ir.compare_int(IntPredicate::LLVMIntEQ, value, self.ir.i64(0))
    }

    fn is_at_most(&self, value: Value, most: i64) -> Value {
        self.ir.compare_int(IntPredicate::LLVMIntSLE, value, self.ir.i64(most))
    }

    /// Executes one of two.
    fn either(&self, condition: Value, then: impl FnOnce(), otherwise: impl FnOnce()) {
        let ir = self.ir;
        let [first, second, behind] = [(); 3].map(|()| ir.block(self.function));
        ir.branch_if(condition, first, second);
        ir.position(first);
        then();
        ir.branch(behind);
        ir.position(second);
        otherwise();
        ir.branch(behind);
        ir.position(behind);
    }

    /// `for (position = 0; position < end; position += step)`, with values that go from one iteration to the next.
    fn repeat<const N: usize>(
        &self,
        (end, step): (Value, u32),
        carried: [Value; N],
        body: impl FnOnce(Value, [Value; N]) -> [Value; N],
    ) -> [Value; N] {
        let ir = self.ir;
        let (head, inside, behind) =
            (ir.current_block(), ir.block(self.function), ir.block(self.function));
        let is_less = |position| ir.compare_int(IntPredicate::LLVMIntSLT, position, end);
        ir.branch_if(is_less(ir.i64(0)), inside, behind);
        ir.position(inside);
        let position = ir.phi(ir.int(64));
        let inner = carried.map(|value| ir.phi(ir.type_of(value)));
        let after = body(position, inner);
        let next = ir.add_without_overflow(position, ir.i64(i64::from(step)));
        let last = ir.current_block();
        ir.incoming(position, ir.i64(0), head);
        ir.incoming(position, next, last);
        ir.branch_if(is_less(next), inside, behind);
        ir.position(behind);
        let results = carried.map(|value| ir.phi(ir.type_of(value)));
        for ((before, after), (inner, result)) in
            carried.into_iter().zip(after).zip(inner.into_iter().zip(results))
        {
            for phi in [inner, result] {
                ir.incoming(phi, before, head);
                ir.incoming(phi, after, last);
            }
        }
        results
    }

    /// The lanes below a number.
    fn first_lanes(&self, count: Value) -> Value {
        let ir = self.ir;
        let narrow = ir.int(32);
        let count = ir.splat(ir.cast(Opcode::LLVMTrunc, count, narrow), self.lanes);
        ir.compare_int(IntPredicate::LLVMIntSLT, ir.iota(narrow, self.lanes), count)
    }

    fn load_masked(&self, address: Value, mask: Value, otherwise: Value) -> Value {
        let ir = self.ir;
        let overloads = [self.row(), ir.pointer()];
        let row = ir.intrinsic("llvm.masked.load", &overloads, &[address, mask, otherwise]);
        ir.align_argument(row, 0, self.bytes());
        row
    }

    fn store_masked(&self, row: Value, address: Value, mask: Value) {
        let ir = self.ir;
        let overloads = [self.row(), ir.pointer()];
        let call = ir.intrinsic("llvm.masked.store", &overloads, &[row, address, mask]);
        ir.align_argument(call, 1, self.bytes());
    }

    /// How many of these are left behind a position, and at most as many as a number of 32 bits can say.
    fn left(&self, length: Value, position: Value) -> Value {
        let ir = self.ir;
        let left = ir.binary(Opcode::LLVMSub, length, position);
        ir.intrinsic("llvm.smin", &[ir.int(64)], &[left, ir.i64(i64::from(self.lanes))])
    }
}
