//! Stores of lanes that are far apart, where each lane writes neighbours: the pixels of a tile, a result of columns.
//!
//! In:  stores of a block to one run of elements for each lane.   Out: the run of each lane in one piece, or in a few.
//!
//! ```text
//! store r[m*j] = %0           %0, %1, %2, %3 turned in registers, four lanes at a time,
//! store r[m*j + 1] = %1       so that a register of 16 bytes holds what one lane writes
//! store r[m*j + 2] = %2       store r[m*j .. m*j + 4], a register for each lane
//! store r[m*j + 3] = %3
//! ```
//!
//! A scatter takes more than a cycle for each lane and each element, and the code of its addresses is long.
//! Only parts of 16 bytes of a register are turned, because a permutation that stays in them is the cheapest that there is.

use super::interleaved::{FARTHEST, may_wait};
use super::ir::{IntPredicate, Opcode, Value};
use super::memory::{Cell, Indices};
use super::walk::Walk;
use crate::graph::{Dim, Element};
use crate::loops::{Address, BufferId, For, Statement, visit};

/// The bytes that are turned at a time.
const BLOCK: u32 = 16;

/// The stores of a block to neighbours for each lane.
struct Run {
    buffer: BufferId,
    /// Where the first element of the first lane is, but for what is known of the constant.
    begin: Address,
    /// For each store what is known of the constant, and its place in the block.
    stores: Vec<(i64, usize)>,
}

impl Walk<'_, '_> {
    /// The stores of a block that together write neighbours: where the last of them stands, and where all do, in order of the elements.
    pub(super) fn runs(&self, block: &[Statement]) -> Vec<(usize, Vec<usize>)> {
        let mut runs: Vec<Run> = Vec::new();
        for (place, statement) in block.iter().enumerate() {
            let Statement::Store { buffer, address, expr: _ } = statement else { continue };
            if !self.has_runs(*buffer, address) {
                continue;
            }
            let mut begin = address.clone();
            let known = known(&begin.constant);
            begin.constant = begin.constant - Dim::from(known);
            match runs.iter_mut().find(|it| it.buffer == *buffer && it.begin == begin) {
                Some(run) => run.stores.push((known, place)),
                None => runs.push(Run { buffer: *buffer, begin, stores: vec![(known, place)] }),
            }
        }
        runs.into_iter().flat_map(Run::in_pieces).filter_map(|run| run.places(block)).collect()
    }

    /// Whether there are runs somewhere in a body.
    pub(super) fn stores_neighbours(&self, body: &[Statement]) -> bool {
        let mut found = !self.runs(body).is_empty();
        visit::statements(body, &mut |statement| {
            if let Statement::For(For { body, .. }) | Statement::If { body, .. } = statement {
                found |= !self.runs(body).is_empty();
            }
        });
        found
    }

    /// Whether lanes walk in steps that are, or may be, long.
    fn has_runs(&self, buffer: BufferId, address: &Address) -> bool {
        let Some(group) = self.group else { return false };
        let content = &self.loops.buffers[buffer];
        let size = content.element.size() as u32;
        let step = address.coefficient(group.variable);
        matches!(size, 4 | 8)
            && content.lanes == 1
            && group.width * size >= BLOCK
            && address.computed.is_empty()
            && step.as_constant().is_none_or(|step| step.abs() > FARTHEST)
    }

    /// Writes a run for each lane; `address` is that of the first element.
    pub(super) fn store_run(&mut self, buffer: BufferId, address: &Address, rows: &[Value]) {
        let (ir, cell, length) = (self.ir, self.cell(buffer), rows.len() as i64);
        let base = self.affine(&address.constant, &address.terms);
        let base = ir.element_address(cell.ty, self.buffers[&buffer], base);
        let step = self.lane_coefficient(&address.terms).unwrap_or_default();
        if step.as_constant().is_some_and(|step| step.abs() >= length) {
            return self.store_turned(cell, (base, &step), rows);
        }
        // Where runs overlap, what the last store writes must stay.
        let steps = self.dim(&step);
        let magnitude =
            ir.intrinsic("llvm.abs", &[ir.int(64)], &[steps, ir.constant(ir.int(1), 0)]);
        let is_apart = ir.compare_int(IntPredicate::LLVMIntSGE, magnitude, ir.i64(length));
        let [apart, together, behind] = [(); 3].map(|()| ir.block(self.function));
        ir.branch_if(is_apart, apart, together);
        ir.position(apart);
        self.store_turned(cell, (base, &step), rows);
        ir.branch(behind);
        ir.position(together);
        let indices = Indices::Apart(steps);
        let active = self.group.and_then(|group| group.active);
        for (number, row) in (0..).zip(rows) {
            let first = ir.element_address(cell.ty, base, ir.i64(number));
            self.scatter_one_by_one(cell, (first, indices), *row, active);
        }
        ir.branch(behind);
        ir.position(behind);
    }

    /// The runs of all lanes, the last lane first: an inactive one writes where the last active one does, which then writes over it.
    fn store_turned(&mut self, cell: Cell, (base, step): (Value, &Dim), rows: &[Value]) {
        let (ir, size) = (self.ir, cell.element.size() as u32);
        let width = self.width();
        let lanes = (self.level().register_bytes() / size).min(width);
        let offsets = self.offsets(step);
        for part in (0..width / lanes).rev() {
            let own = |row: &Value| ir.shuffle(*row, part * lanes..(part + 1) * lanes);
            let mut rows: Vec<Value> = rows.iter().map(own).collect();
            let mut begin = 0;
            while !rows.is_empty() {
                let most = (rows.len() as u32).min(BLOCK / size);
                let count = 1 << most.ilog2();
                let piece: Vec<Value> = rows.drain(..count as usize).collect();
                let turned = self.turned((&piece, lanes), BLOCK / size);
                // What a lane writes, as one number, is one store from wherever it lies in a register.
                let whole = ir.element(if count * size == 8 { Element::F64 } else { cell.element });
                let in_one = BLOCK / size / count;
                for lane in (0..lanes).rev() {
                    let (block, lane_in_block) = (lane / (BLOCK / size), lane % (BLOCK / size));
                    let from = block * in_one + lane_in_block % in_one;
                    let vector = turned[(lane_in_block / in_one) as usize];
                    let values = if in_one == 1 {
                        ir.shuffle(vector, from * count..(from + 1) * count)
                    } else {
                        let numbers = ir.vector(whole, lanes / count);
                        let numbers = ir.cast(Opcode::LLVMBitCast, vector, numbers);
                        ir.extract(numbers, ir.i64(i64::from(from)))
                    };
                    let offset = offsets[(part * lanes + lane) as usize];
                    let address = ir.element_address(cell.ty, base, offset);
                    let address = ir.element_address(cell.ty, address, ir.i64(begin));
                    ir.store(values, address, cell.element.size());
                }
                begin += i64::from(count);
            }
        }
    }

    /// How far each lane is from the first; inactive lanes stay with the last active one.
    pub(super) fn offsets(&mut self, step: &Dim) -> Vec<Value> {
        let ir = self.ir;
        let step = self.dim(step);
        let active = self.group.and_then(|group| group.active);
        let mut offset = ir.i64(0);
        let mut offsets = vec![offset];
        for lane in 1..self.width() {
            let by = match active {
                None => step,
                Some(active) => {
                    let lane = ir.i64(i64::from(lane));
                    let is_active = ir.compare_int(IntPredicate::LLVMIntSLT, lane, active.count);
                    ir.select(is_active, step, ir.i64(0))
                }
            };
            offset = ir.binary(Opcode::LLVMAdd, offset, by);
            offsets.push(offset);
        }
        offsets
    }

    /// Rows turned in blocks: as many registers as rows, in which the elements of a lane are neighbours.
    ///
    /// Of a block of lanes the first register has the first ones, the next one the next, and so on.
    fn turned(&self, (rows, lanes): (&[Value], u32), block: u32) -> Vec<Value> {
        if rows.len() < 2 {
            return rows.to_vec();
        }
        let half = rows.len() / 2;
        let unit = half as u32;
        let left = self.turned((&rows[..half], lanes), block);
        let right = self.turned((&rows[half..], lanes), block);
        let mut out = Vec::with_capacity(rows.len());
        for (left, right) in left.into_iter().zip(right) {
            let units = block / unit;
            for begin in [0, units / 2] {
                let of_block = |first: u32| {
                    (begin..begin + units / 2).flat_map(move |number| {
                        let from = first + number * unit;
                        (from..from + unit).chain(lanes + from..lanes + from + unit)
                    })
                };
                let places = (0..lanes / block).flat_map(|number| of_block(number * block));
                out.push(self.ir.shuffle_pair(left, right, places));
            }
        }
        out
    }
}

impl Run {
    /// Neighbours without a gap; an element that is written twice is in none.
    fn in_pieces(mut self) -> Vec<Self> {
        self.stores.sort_unstable();
        let is_unique = self.stores.windows(2).all(|pair| pair[0].0 != pair[1].0);
        if !is_unique {
            return Vec::new();
        }
        let pieces = self.stores.chunk_by(|left, right| left.0 + 1 == right.0);
        pieces
            .map(|stores| Self { stores: stores.to_vec(), begin: self.begin.clone(), ..self })
            .collect()
    }

    /// The place of the last store, and of all in order of the elements, if they are several and may wait for the last.
    fn places(self, block: &[Statement]) -> Option<(usize, Vec<usize>)> {
        let places: Vec<usize> = self.stores.iter().map(|(_, place)| *place).collect();
        let last = may_wait(block, self.buffer, &places)?;
        // Where steps are short the last store stays, so that the stores must stand in this order.
        (places.len() > 1 && places.is_sorted()).then_some((last, places))
    }
}

/// The part of a constant that no symbol multiplies.
pub(super) fn known(constant: &Dim) -> i64 {
    constant.terms().iter().filter(|(monomial, _)| monomial.is_empty()).map(|(_, by)| by).sum()
}
