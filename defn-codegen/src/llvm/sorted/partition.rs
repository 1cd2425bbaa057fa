//! Parts are divided register by register: an instruction packs the lanes of a mask side by side.
//!
//! Whole registers are stored, and what is behind the packed lanes is overwritten by the next ones. As no more was stored than was read,
//! nothing behind the part is touched, and nothing in it that was not read.
//! Only the last registers are masked.

use super::Sorter;
use crate::llvm::ir::{IntPredicate, Opcode, Value};

/// So many registers are read before the first of them is stored: where the next one goes depends on all before it.
const TOGETHER: u32 = 4;

impl Sorter<'_, '_> {
    /// Moves what is smaller than a number to the first place, all else to the second, and gives how many are smaller.
    pub(super) fn partition(
        &self,
        (source, length): (Value, Value),
        (smaller, others): (Value, Value),
        pivot: Value,
    ) -> Value {
        let ir = self.ir;
        let pivot = ir.splat(pivot, self.lanes);
        let step = TOGETHER * self.lanes;
        let whole = ir.binary(Opcode::LLVMAnd, length, ir.i64(-i64::from(step)));
        let [count] = self.repeat((whole, step), [ir.i64(0)], |position, [mut count]| {
            let read = (0..TOGETHER).map(|row| {
                let at = self.behind(position, row);
                (at, ir.load(self.row(), self.at(source, at), self.bytes()))
            });
            for (at, row) in read.collect::<Vec<_>>() {
                let mask = ir.compare_int(IntPredicate::LLVMIntSLT, row, pivot);
                ir.store(self.packed(row, mask), self.at(smaller, count), self.bytes());
                let place = ir.binary(Opcode::LLVMSub, at, count);
                let rest = self.packed(row, self.but(mask));
                ir.store(rest, self.at(others, place), self.bytes());
                count = ir.binary(Opcode::LLVMAdd, count, self.number(mask));
            }
            [count]
        });
        self.last_rows((source, length, whole), (smaller, others), (pivot, count))
    }

    /// Fewer registers than are read together, the last of them with a mask.
    fn last_rows(
        &self,
        (source, length, whole): (Value, Value, Value),
        (smaller, others): (Value, Value),
        (pivot, mut count): (Value, Value),
    ) -> Value {
        let ir = self.ir;
        let mut place = ir.binary(Opcode::LLVMSub, whole, count);
        let read = (0..TOGETHER).map(|row| {
            let at = self.behind(whole, row);
            let active = self.first_lanes(ir.binary(Opcode::LLVMSub, length, at));
            (active, self.load_masked(self.at(source, at), active, pivot))
        });
        for (active, row) in read.collect::<Vec<_>>() {
            let mask = ir.compare_int(IntPredicate::LLVMIntSLT, row, pivot);
            let mask = ir.binary(Opcode::LLVMAnd, mask, active);
            let rest = ir.binary(Opcode::LLVMAnd, self.but(mask), active);
            for (mask, to, next) in [(mask, smaller, &mut count), (rest, others, &mut place)] {
                let number = self.number(mask);
                let lanes = self.first_lanes(number);
                self.store_masked(self.packed(row, mask), self.at(to, *next), lanes);
                *next = ir.binary(Opcode::LLVMAdd, *next, number);
            }
        }
        count
    }

    fn behind(&self, position: Value, row: u32) -> Value {
        let by = self.ir.i64(i64::from(row * self.lanes));
        self.ir.binary(Opcode::LLVMAdd, position, by)
    }

    /// The lanes of a mask side by side; nothing is said of those behind them.
    fn packed(&self, row: Value, mask: Value) -> Value {
        let ty = self.row();
        let nothing = self.ir.zero(ty);
        self.ir.intrinsic("llvm.experimental.vector.compress", &[ty], &[row, mask, nothing])
    }

    /// The other lanes.
    fn but(&self, mask: Value) -> Value {
        let ir = self.ir;
        let all = ir.constant_splat(ir.constant(ir.int(1), 1), self.lanes);
        ir.binary(Opcode::LLVMXor, mask, all)
    }

    /// How many lanes a mask has.
    fn number(&self, mask: Value) -> Value {
        let ir = self.ir;
        let bits = ir.int(self.lanes);
        let mask = ir.cast(Opcode::LLVMBitCast, mask, bits);
        ir.cast(Opcode::LLVMZExt, ir.intrinsic("llvm.ctpop", &[bits], &[mask]), ir.int(64))
    }

    /// The least and the greatest of a part.
    pub(super) fn extremes(&self, source: Value, length: Value) -> [Value; 2] {
        let ir = self.ir;
        let first = ir.splat(ir.load(self.ty, source, self.bytes()), self.lanes);
        let rows = self.repeat((length, self.lanes), [first, first], |position, [least, most]| {
            let active = self.first_lanes(self.left(length, position));
            let row = self.load_masked(self.at(source, position), active, first);
            [self.min(least, row), self.max(most, row)]
        });
        let names = ["llvm.vector.reduce.smin", "llvm.vector.reduce.smax"];
        let [least, most] = rows;
        [(names[0], least), (names[1], most)]
            .map(|(name, row)| ir.intrinsic(name, &[self.row()], &[row]))
    }

    /// Copies a part to its place, which may be where it is.
    pub(super) fn copy(&self, (source, target): (Value, Value), length: Value) {
        self.repeat((length, self.lanes), [], |position, []| {
            let active = self.first_lanes(self.left(length, position));
            let nothing = self.ir.zero(self.row());
            let row = self.load_masked(self.at(source, position), active, nothing);
            self.store_masked(row, self.at(target, position), active);
            []
        });
    }
}
