//! Loops in which every lane walks along memory, and the lanes are far apart.
//!
//! In:  a serial loop inside lanes.   Out: the loop in blocks of as many steps as a register has elements.
//!
//! ```text
//! for j in 0..m lanes 16 {          for (k = 0; k < l & -16; k += 16)
//!   for k in 0..l {                   16 rows: <16 x float> (load b[l*(j + 0) + k]), … load b[l*(j + 15) + k]
//!     p[k] = load b[l*j + k]          16 columns: the rows transposed in registers
//!   }                                 p[k + 0] = column 0; … p[k + 15] = column 15
//! }                                 the other steps, with a gather each
//! ```
//!
//! A gather touches a line of the cache for each lane in every step; a block touches each line once.

use super::ir::{IntPredicate, Opcode, Type, Value};
use super::walk::{Group, Typed, Walk};
use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{Address, BufferId, For, Statement};

/// A body of more statements than this is not written once for every step of a block.
const LONGEST: usize = 8;

/// A load whose value stands in a register already.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    buffer: BufferId,
    address: Address,
    value: Typed,
}

impl Walk<'_, '_> {
    /// The value of a load that was done for a whole block.
    pub(super) fn staged(&self, buffer: BufferId, address: &Address) -> Option<Typed> {
        let mut staged = self.staged.iter();
        let found = staged.find(|load| load.buffer == buffer && load.address == *address)?;
        Some(found.value)
    }

    /// Writes a loop in blocks; false if it is not one in which lanes walk along memory.
    pub(super) fn in_blocks(&mut self, repeated: &For) -> bool {
        let Some(group) = self.group else { return false };
        let walks = self.walks(repeated, group);
        let Some(steps) = walks.iter().map(|walk| self.block_of(walk.buffer)).min() else {
            return false;
        };
        let steps = steps.min(group.width);
        let short = repeated.extent.as_constant().is_some_and(|extent| extent < i64::from(steps));
        if steps < 4 || short || !self.staged.is_empty() {
            return false;
        }
        let (ir, variable) = (self.ir, repeated.variable);
        let extent = self.extent(repeated);
        let extent = ir.intrinsic("llvm.smax", &[ir.int(64)], &[extent, ir.i64(0)]);
        let whole = ir.binary(Opcode::LLVMAnd, extent, ir.i64(-i64::from(steps)));
        let lanes: Vec<Vec<Value>> =
            walks.iter().map(|walk| self.lane_offsets(walk, group)).collect();
        self.counted((ir.i64(0), whole), i64::from(steps), |inside, first| {
            inside.variables.insert(variable, first);
            let columns: Vec<Vec<Value>> = walks
                .iter()
                .zip(&lanes)
                .map(|(walk, offsets)| inside.columns(walk, offsets, steps))
                .collect();
            for step in 0..steps {
                let position = ir.add_without_overflow(first, ir.i64(i64::from(step)));
                inside.variables.insert(variable, position);
                inside.staged = walks
                    .iter()
                    .zip(&columns)
                    .map(|(walk, columns)| walk.staged(columns[step as usize], group.width))
                    .collect();
                inside.statements(&repeated.body);
            }
            inside.staged.clear();
        });
        self.counted((whole, extent), 1, |inside, position| {
            inside.variables.insert(variable, position);
            inside.statements(&repeated.body);
        });
        true
    }

    /// The loads that step by one with the loop, and by something else with the lanes.
    fn walks(&self, repeated: &For, group: Group) -> Vec<AlongMemory> {
        let plain = |statement: &Statement| {
            matches!(
                statement,
                Statement::Let { .. } | Statement::Set { .. } | Statement::Store { .. }
            )
        };
        if repeated.body.len() > LONGEST || !repeated.body.iter().all(plain) {
            return Vec::new();
        }
        let mut written = Vec::new();
        visit::addresses(&repeated.body, &mut |buffer, _, is_written| {
            if is_written {
                written.push(buffer);
            }
        });
        let mut walks: Vec<AlongMemory> = Vec::new();
        visit::addresses(&repeated.body, &mut |buffer, address, is_written| {
            let content = &self.loops.buffers[buffer];
            let step = address.coefficient(group.variable);
            let along = !is_written
                && !written.contains(&buffer)
                && content.lanes == 1
                && matches!(content.element.size(), 4 | 8)
                && address.computed.is_empty()
                && address.coefficient(repeated.variable).is(1)
                && step.as_constant().is_none_or(|step| step.abs() > 1);
            let known = walks.iter().any(|walk| walk.buffer == buffer && walk.address == *address);
            if along && !known {
                walks.push(AlongMemory {
                    buffer,
                    element: content.element,
                    address: address.clone(),
                    step,
                });
            }
        });
        walks
    }

    /// How many elements of a buffer a register holds.
    fn block_of(&self, buffer: BufferId) -> u32 {
        self.level().register_bytes() / self.loops.buffers[buffer].element.size() as u32
    }

    /// How far each lane is from the first; inactive lanes stay with the last active one, so that nothing else is touched.
    fn lane_offsets(&mut self, walk: &AlongMemory, group: Group) -> Vec<Value> {
        let ir = self.ir;
        let step = self.dim(&walk.step);
        let offset = |lane: u32| {
            let lane = ir.i64(i64::from(lane));
            let lane = match group.active {
                None => lane,
                Some(active) => {
                    let last = ir.binary(Opcode::LLVMSub, active.count, ir.i64(1));
                    let is_active = ir.compare_int(IntPredicate::LLVMIntSLT, lane, active.count);
                    ir.select(is_active, lane, last)
                }
            };
            ir.binary(Opcode::LLVMMul, lane, step)
        };
        (0..group.width).map(offset).collect()
    }

    /// For each step of a block the values of all lanes.
    fn columns(&mut self, walk: &AlongMemory, offsets: &[Value], steps: u32) -> Vec<Value> {
        let ir = self.ir;
        let element: Type = ir.element(walk.element);
        let row = ir.vector(element, steps);
        let base = self.affine(&walk.address.constant, &walk.address.terms);
        let base = ir.element_address(element, self.buffers[&walk.buffer], base);
        let rows: Vec<Value> = offsets
            .iter()
            .map(|offset| {
                let address = ir.element_address(element, base, *offset);
                ir.load(row, address, walk.element.size())
            })
            .collect();
        let blocks: Vec<Vec<Value>> =
            rows.chunks(steps as usize).map(|block| self.transposed(block.to_vec())).collect();
        let joined = |step: usize| {
            let mut parts: Vec<Value> = blocks.iter().map(|block| block[step]).collect();
            let mut width = steps;
            while parts.len() > 1 {
                width *= 2;
                parts = parts
                    .chunks(2)
                    .map(|pair| ir.shuffle_pair(pair[0], pair[1], 0..width))
                    .collect();
            }
            parts[0]
        };
        (0..steps as usize).map(joined).collect()
    }

    /// A square block with rows and columns exchanged.
    ///
    /// Every round moves the highest bit of the number of a row to the lowest place of the number of a column, and the other way round;
    /// after as many rounds as a number has bits they have changed places.
    fn transposed(&self, mut rows: Vec<Value>) -> Vec<Value> {
        let (size, half) = (rows.len() as u32, rows.len() / 2);
        for _ in 0..size.ilog2() {
            let mut next = Vec::with_capacity(rows.len());
            for row in 0..half {
                for start in [0, size / 2] {
                    let lanes = (start..start + size / 2).flat_map(|lane| [lane, lane + size]);
                    next.push(self.ir.shuffle_pair(rows[row], rows[row + half], lanes));
                }
            }
            rows = next;
        }
        rows
    }
}

/// A load that walks along memory.
#[derive(Clone, Debug)]
struct AlongMemory {
    buffer: BufferId,
    element: crate::graph::Element,
    address: Address,
    /// From lane to lane.
    step: Dim,
}

impl AlongMemory {
    fn staged(&self, raw: Value, lanes: u32) -> Staged {
        let value = Typed { raw, element: self.element, lanes };
        Staged { buffer: self.buffer, address: self.address.clone(), value }
    }
}
