//! How threads of a team exchange values: folds of all lanes, shifts, and waiting for each other.
//!
//! In:  what each thread has.   Out: what each thread gets.
//!
//! ```text
//! combine of 128 parts, 32 threads          of 1024 parts, 256 threads
//! part k takes part k + 64, k + 32          part k takes part k + 512, k + 256
//!   inside of the threads                     inside of the threads
//! shuffles by 16, 8, 4, 2, 1                every warp reads the parts of all warps, and takes k + 128, k + 64, k + 32
//!                                           shuffles by 16, 8, 4, 2, 1
//! ```
//!
//! The order is that of the loops. A shuffle goes both ways: what is folded commutes, so that every thread ends with the result.

use super::super::ir::{IntPredicate, Opcode, Value};
use super::super::walk::{Register, Typed, Walk};
use super::team::{Layout, WARP};
use crate::graph::{Combine, Element, Scalar};

/// How lanes of a warp reach each other.
#[derive(Clone, Copy)]
enum Shuffle {
    /// The one whose number differs in these bits.
    Butterfly,
    /// The one of this number.
    Indexed,
}

impl Walk<'_, '_> {
    /// All threads of the team wait for each other, and see what was stored.
    pub(in crate::llvm) fn sync(&self) {
        let (ir, threads) = (self.ir, self.threads());
        if threads > WARP {
            let barrier = ir.constant(ir.int(32), 0);
            ir.intrinsic("llvm.nvvm.barrier.cta.sync.aligned.all", &[], &[barrier]);
        } else if threads == WARP {
            ir.intrinsic("llvm.nvvm.bar.warp.sync", &[], &[self.all_threads()]);
        } else {
            crate::bug!("llvm", "`{}` waits where there is one thread", self.loops.name);
        }
    }

    fn all_threads(&self) -> Value {
        self.ir.constant(self.ir.int(32), -1)
    }

    fn layout(&self) -> Layout {
        self.team().map_or(Layout::Interleaved, |team| team.layout)
    }

    pub(super) fn thread(&self) -> Value {
        self.team().map_or_else(|| self.ir.constant(self.ir.int(32), 0), |team| team.thread)
    }

    /// Folds the parts of a register, which the threads have; every thread gets the result.
    pub(in crate::llvm) fn combine_of_team(&self, combine: Combine, register: Register) -> Typed {
        let ty = self.ir.vector(self.ir.element(register.element), register.lanes);
        let raw = self.ir.load(ty, register.slot, register.element.size());
        let parts = Typed { raw, element: register.element, lanes: register.lanes };
        let among = register.parts.min(self.threads());
        if among == 1 {
            return self.folded(combine, register, parts);
        }
        match self.layout() {
            Layout::Interleaved => {
                let own = self.folded(combine, register, parts);
                self.across(combine, own, among)
            }
            Layout::Consecutive => {
                let across = |raw| self.across(combine, Typed { raw, lanes: 1, ..parts }, among);
                let folded: Vec<Value> =
                    self.split(parts).into_iter().map(|part| across(part).raw).collect();
                let raw = self.ir.vector_of(&folded);
                self.folded(combine, register, Typed { raw, ..parts })
            }
        }
    }

    /// Folds the values of the first `among` threads: the upper half onto the lower, until one is left.
    fn across(&self, combine: Combine, own: Typed, among: u32) -> Typed {
        let (ir, mut value) = (self.ir, own);
        if self.threads() > WARP {
            let column = ir.constant(ir.int(32), i64::from(WARP - 1));
            let column = ir.binary(Opcode::LLVMAnd, self.thread(), column);
            let source = |row: u32| {
                let row = ir.constant(ir.int(32), i64::from(row * WARP));
                (0, ir.binary(Opcode::LLVMAdd, column, row))
            };
            let sources: Vec<(usize, Value)> = (0..(among / WARP).max(1)).map(source).collect();
            let mut rows = self.through_memory(&[own.raw], own.element, &sources);
            while rows.len() > 1 {
                let upper = rows.split_off(rows.len() / 2);
                for (row, other) in rows.iter_mut().zip(upper) {
                    let [a, b] = [*row, other].map(|raw| Typed { raw, ..own });
                    *row = self.fold(combine, a, b).raw;
                }
            }
            value = Typed { raw: rows[0], ..own };
        }
        let among = among.min(WARP);
        let mut distance = among / 2;
        while distance > 0 {
            let by = ir.constant(ir.int(32), i64::from(distance));
            let raw = self.shuffle(Shuffle::Butterfly, value, by);
            value = self.fold(combine, value, Typed { raw, ..value });
            distance /= 2;
        }
        if among < WARP {
            let first = ir.constant(ir.int(32), 0);
            value.raw = self.shuffle(Shuffle::Indexed, value, first);
        }
        value
    }

    /// Every lane takes what stands `by` lanes below it.
    pub(in crate::llvm) fn shifted_in_team(&self, operand: Typed, by: u32, fill: Scalar) -> Typed {
        let (ir, threads, width) = (self.ir, self.threads(), operand.lanes);
        let fill = ir.constant_bits(fill.element, fill.bits);
        // For each part from which of them it comes, of the thread how far below; of two threads where it depends on the thread.
        let (whole, rest) = match self.layout() {
            Layout::Interleaved => (by / threads, by % threads),
            Layout::Consecutive => (by / width, by % width),
        };
        let source = |part: u32| match self.layout() {
            Layout::Interleaved => (part.checked_sub(whole), part.checked_sub(whole + 1), rest),
            Layout::Consecutive if part >= rest => (Some(part - rest), None, whole),
            Layout::Consecutive => (Some(part + width - rest), None, whole + 1),
        };
        let mut from = Vec::new();
        for part in 0..width {
            let (here, wrapped, distance) = source(part);
            let thread = self.thread_below(distance);
            let taken = |part: Option<u32>| (part.unwrap_or(0) as usize, thread);
            from.extend([taken(here), taken(wrapped)]);
        }
        let taken = self.taken(operand, &from);
        let shifted = (0..width).map(|part| {
            let (here, wrapped, distance) = source(part);
            let pair = &taken[2 * part as usize..][..2];
            let or_fill = |known: Option<u32>, value| if known.is_some() { value } else { fill };
            let (here, wrapped) = (or_fill(here, pair[0]), or_fill(wrapped, pair[1]));
            let distance = ir.constant(ir.int(32), i64::from(distance));
            let reaches = ir.compare_int(IntPredicate::LLVMIntUGE, self.thread(), distance);
            ir.select(reaches, here, wrapped)
        });
        Typed { raw: ir.vector_of(&shifted.collect::<Vec<_>>()), ..operand }
    }

    /// The thread so far below this one, around the end.
    fn thread_below(&self, distance: u32) -> Value {
        let (ir, threads) = (self.ir, self.threads());
        let number = |number: u32| ir.constant(ir.int(32), i64::from(number));
        let below = ir.binary(Opcode::LLVMSub, self.thread(), number(distance));
        ir.binary(Opcode::LLVMAnd, below, number(threads - 1))
    }

    /// Values of threads: for each which part, and of which thread.
    fn taken(&self, parts: Typed, from: &[(usize, Value)]) -> Vec<Value> {
        let values = self.split(parts);
        if self.threads() > WARP {
            return self.through_memory(&values, parts.element, from);
        }
        let shuffle = |(part, thread): &(usize, Value)| {
            let value = Typed { raw: values[*part], lanes: 1, ..parts };
            self.shuffle(Shuffle::Indexed, value, *thread)
        };
        from.iter().map(shuffle).collect()
    }

    /// The same through memory of the block.
    fn through_memory(
        &self,
        values: &[Value],
        element: Element,
        from: &[(usize, Value)],
    ) -> Vec<Value> {
        let (ir, size) = (self.ir, element.size());
        let Some(exchange) = self.team().and_then(|team| team.exchange) else {
            crate::bug!("llvm", "the threads of `{}` have no memory to meet in", self.loops.name)
        };
        let ty = ir.element(if element == Element::Bool { Element::U8 } else { element });
        let place = |part: usize, thread: Value| {
            let row = ir.constant(ir.int(32), part as i64 * i64::from(self.threads()));
            ir.element_address(ty, exchange, ir.binary(Opcode::LLVMAdd, thread, row))
        };
        // What was exchanged before has been read.
        self.sync();
        for (part, value) in values.iter().enumerate() {
            let is_bool = element == Element::Bool;
            let value = if is_bool { ir.cast(Opcode::LLVMZExt, *value, ty) } else { *value };
            ir.store(value, place(part, self.thread()), size);
        }
        self.sync();
        let load = |(part, thread): &(usize, Value)| {
            let value = ir.load(ty, place(*part, *thread), size);
            let is_bool = element == Element::Bool;
            if is_bool { ir.cast(Opcode::LLVMTrunc, value, ir.int(1)) } else { value }
        };
        from.iter().map(load).collect()
    }

    /// The parts of a value.
    pub(super) fn split(&self, value: Typed) -> Vec<Value> {
        if value.lanes == 1 {
            return vec![value.raw];
        }
        let part = |lane: u32| self.ir.extract(value.raw, self.ir.i64(i64::from(lane)));
        (0..value.lanes).map(part).collect()
    }

    /// The value of another thread of the warp, in pieces of 32 bits.
    fn shuffle(&self, how: Shuffle, value: Typed, operand: Value) -> Value {
        let (ir, word) = (self.ir, self.ir.int(32));
        let name = match how {
            Shuffle::Butterfly => "llvm.nvvm.shfl.sync.bfly.i32",
            Shuffle::Indexed => "llvm.nvvm.shfl.sync.idx.i32",
        };
        let last = ir.constant(word, i64::from(WARP - 1));
        let piece = |piece| ir.intrinsic(name, &[], &[self.all_threads(), piece, operand, last]);
        let (element, ty) = (value.element, ir.element(value.element));
        if element.size() < 4 {
            let wide = ir.cast(Opcode::LLVMZExt, value.raw, word);
            return ir.cast(Opcode::LLVMTrunc, piece(wide), ty);
        }
        let bits = ir.int(8 * element.size() as u32);
        let integer = ir.cast(Opcode::LLVMBitCast, value.raw, bits);
        if element.size() == 4 {
            return ir.cast(Opcode::LLVMBitCast, piece(integer), ty);
        }
        let half = ir.constant(bits, 32);
        let low = piece(ir.cast(Opcode::LLVMTrunc, integer, word));
        let high = ir.binary(Opcode::LLVMLShr, integer, half);
        let high = piece(ir.cast(Opcode::LLVMTrunc, high, word));
        let [low, high] = [low, high].map(|half| ir.cast(Opcode::LLVMZExt, half, bits));
        let whole = ir.binary(Opcode::LLVMOr, ir.binary(Opcode::LLVMShl, high, half), low);
        ir.cast(Opcode::LLVMBitCast, whole, ty)
    }
}
