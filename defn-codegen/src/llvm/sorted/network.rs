//! A few registers put in order: which numbers are compared does not depend on the numbers.
//!
//! A block of rows is a register each. First its columns are put in order, as each lane is one; then neighbouring columns are merged, then pairs
//! of them, until the whole block is one column; what is behind it lies in order once the block is turned.
//! K. E. Batcher, Sorting networks and their applications, 1968: both the columns and the merging are from there.

use super::Sorter;
use crate::llvm::ir::{Function, Linkage, Opcode, Value};
use crate::llvm::target;

/// So many numbers at most go through a network: more of them pay less than dividing them once more.
const SHORTEST: u32 = 128;

impl Sorter<'_, '_> {
    /// What is divided no more.
    pub(super) fn shortest(&self) -> i64 {
        i64::from(SHORTEST)
    }

    /// Functions of where some numbers are, where they go, and how many there are, for so many rows of them, few rows first.
    pub(super) fn leaves(&self) -> Vec<(u32, Function)> {
        let most = SHORTEST / self.lanes;
        let rows = (1..).map(|power| 1 << power).take_while(|rows| *rows <= most);
        rows.map(|rows| (rows, self.write_leaf(rows))).collect()
    }

    fn write_leaf(&self, count: u32) -> Function {
        let ir = self.ir;
        let (pointer, wide) = (ir.pointer(), ir.int(64));
        let name = format!("defn_sort_{}_{count}", self.bits);
        let function = ir.function(&name, &[pointer, pointer, wide], Linkage::Internal);
        target::describe(ir, function, self.level);
        ir.attribute(function, None, "noinline");
        ir.position(ir.block(function));
        let [from, to, length] = [0, 1, 2].map(|index| ir.parameter(function, index));
        let greatest = (1_i64 << (self.bits - 1)).wrapping_sub(1);
        let greatest = ir.constant_splat(ir.constant(self.ty, greatest), self.lanes);
        let places: Vec<(Value, Value)> = (0..count)
            .map(|row| {
                let first = ir.i64(i64::from(row * self.lanes));
                let left = ir.binary(Opcode::LLVMSub, length, first);
                (first, self.first_lanes(left))
            })
            .collect();
        // What fills the rows comes last and is not stored.
        let load = |(first, mask): &(Value, Value)| {
            self.load_masked(self.at(from, *first), *mask, greatest)
        };
        let rows = self.network(places.iter().map(load).collect());
        for (row, (first, mask)) in rows.into_iter().zip(places) {
            self.store_masked(row, self.at(to, first), mask);
        }
        ir.return_nothing();
        function
    }

    fn network(&self, mut rows: Vec<Value>) -> Vec<Value> {
        for (a, b) in columns(rows.len()) {
            self.order(&mut rows, a, b);
        }
        let mut columns = 1;
        while columns < self.lanes {
            // The greater half is read backwards: then whatever rises and falls is halved by comparing.
            rows.reverse();
            let backwards = rows.clone();
            rows.reverse();
            self.across(&mut rows, &backwards, (2 * columns - 1, columns));
            let mut apart = columns / 2;
            while apart > 0 {
                let same = rows.clone();
                self.across(&mut rows, &same, (apart, apart));
                apart /= 2;
            }
            self.halve(&mut rows);
            columns *= 2;
        }
        self.turned(rows)
    }

    fn order(&self, rows: &mut [Value], a: usize, b: usize) {
        (rows[a], rows[b]) = (self.min(rows[a], rows[b]), self.max(rows[a], rows[b]));
    }

    /// Compares every lane with the one whose number differs in the bits `by`, in other rows; those with the bit `upper` keep the greater number.
    fn across(&self, rows: &mut [Value], others: &[Value], (by, upper): (u32, u32)) {
        let (ir, lanes) = (self.ir, self.lanes);
        for (row, other) in rows.iter_mut().zip(others) {
            let other = ir.shuffle(*other, (0..lanes).map(|lane| lane ^ by));
            let (less, greater) = (self.min(*row, other), self.max(*row, other));
            let kept = |lane: u32| if lane & upper == 0 { lane } else { lanes + lane };
            *row = ir.shuffle_pair(less, greater, (0..lanes).map(kept));
        }
    }

    /// Columns that rise and fall, or the other way, become columns in order.
    fn halve(&self, rows: &mut [Value]) {
        let mut apart = rows.len() / 2;
        while apart > 0 {
            for row in (0..rows.len()).filter(|row| row & apart == 0) {
                self.order(rows, row, row + apart);
            }
            apart /= 2;
        }
    }

    /// Column by column: both halves of the rows are woven, as often as they can be halved.
    fn turned(&self, mut rows: Vec<Value>) -> Vec<Value> {
        let lanes = self.lanes;
        let woven = |first: u32| {
            (first..first + lanes)
                .map(move |place| place / 2 + if place % 2 == 0 { 0 } else { lanes })
        };
        let mut times = rows.len();
        while times > 1 {
            let (upper, lower) = rows.split_at(rows.len() / 2);
            let pairs = upper.iter().zip(lower);
            let both = |(a, b): (&Value, &Value)| {
                [0, lanes].map(|first| self.ir.shuffle_pair(*a, *b, woven(first)))
            };
            rows = pairs.flat_map(both).collect();
            times /= 2;
        }
        rows
    }
}

/// Which rows are compared, the smaller number to the first: Batcher's merging of odd and even places, for a power of two of rows.
fn columns(rows: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut sorted = 1;
    while sorted < rows {
        let mut apart = sorted;
        while apart > 0 {
            for first in (apart % sorted..rows - apart).step_by(2 * apart) {
                for row in first..(first + apart).min(rows - apart) {
                    if row / (2 * sorted) == (row + apart) / (2 * sorted) {
                        pairs.push((row, row + apart));
                    }
                }
            }
            apart /= 2;
        }
        sorted *= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::columns;

    /// A network that orders all zeros and ones orders everything.
    #[test]
    fn columns_are_put_in_order() {
        for rows in [1, 2, 4, 8, 16] {
            for bits in 0..1_u32 << rows {
                let mut column: Vec<bool> = (0..rows).map(|row| bits >> row & 1 == 1).collect();
                for (a, b) in columns(rows) {
                    (column[a], column[b]) = (column[a] & column[b], column[a] | column[b]);
                }
                assert!(column.is_sorted(), "{rows} rows from {bits:b}");
            }
        }
    }
}
