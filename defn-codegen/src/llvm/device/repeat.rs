//! Loops of a team: tasks, and groups of lanes.
//!
//! In:  a loop.   Out: the iterations that the team executes, with the lanes that each thread has.
//!
//! ```text
//! for i in 0..n parallel {                      task = i * groups(m, 64) + j / 64
//!   for j in 0..m lanes 64 { body }             i = task / groups(m, 64); j = 64 * (task % groups(m, 64))
//! }                                             if (j + 64 <= m) body else body, where lane < m - j
//! ```
//!
//! Of a loop that is shared, a task executes one iteration, or one group.

use super::super::ir::{IntPredicate, Opcode, Value};
use super::super::statement::holds_loops;
use super::super::walk::{Group, Walk, groups};
use super::team::here;
use crate::graph::Dim;
use crate::loops::{For, Manner};

/// A task, counted among the iterations of the shared loops that are not met yet.
pub(in crate::llvm) struct Task<'a> {
    /// Outermost first.
    pub(super) loops: Vec<&'a For>,
    pub(super) number: Value,
}

impl Walk<'_, '_> {
    /// A loop of a nest that a team executes.
    pub(in crate::llvm) fn loop_of_team(&mut self, repeated: &For) {
        match repeated.manner {
            Manner::Lanes(width) if width > 1 => self.lanes_of_team(repeated, width),
            Manner::Serial | Manner::Parallel | Manner::Lanes(_) => self.serial_of_team(repeated),
            Manner::Sorted => crate::bug!("llvm", "a device sorts by its digits"),
        }
    }

    fn serial_of_team(&mut self, repeated: &For) {
        if let Some(position) = self.take_task(repeated) {
            self.variables.insert(repeated.variable, position);
            return self.statements(&repeated.body);
        }
        if repeated.extent.is(1) && repeated.clip.is_none() {
            self.variables.insert(repeated.variable, self.ir.i64(0));
            return self.statements(&repeated.body);
        }
        let bounds = (self.ir.i64(0), self.extent(repeated));
        self.counted(bounds, 1, |walk, position| {
            walk.variables.insert(repeated.variable, position);
            walk.statements(&repeated.body);
        });
    }

    /// Which iteration or group of a loop the task is, if the loop is the next that is shared.
    fn take_task(&mut self, repeated: &For) -> Option<Value> {
        let is_next = |task: &mut Task<'_>| task.loops[0].variable == repeated.variable;
        let Task { mut loops, number } = self.task.take_if(is_next)?;
        loops.remove(0);
        if loops.is_empty() {
            return Some(number);
        }
        let inside = loops.iter().fold(Dim::from(1), |tasks, inner| tasks * groups(inner));
        let inside = self.dim(&inside);
        let (ir, position) = (self.ir, self.ir.binary(Opcode::LLVMUDiv, number, inside));
        self.task = Some(Task { loops, number: ir.binary(Opcode::LLVMURem, number, inside) });
        Some(position)
    }

    /// Groups of lanes: those in front are full, and in the last one some lanes may be beyond the extent.
    fn lanes_of_team(&mut self, repeated: &For, lanes: u32) {
        let (ir, step) = (self.ir, i64::from(lanes));
        let width = here(lanes, self.threads());
        let task = self.take_task(repeated);
        let all = Group { variable: repeated.variable, lanes, width, active: None };
        self.group = Some(all);
        let group = (repeated, None);
        let extent = self.extent(repeated);
        let is_full = lanes >= self.threads() && is_full(repeated);
        let is_masked = lanes < self.threads() || holds_loops(&repeated.body);
        if let Some(task) = task {
            let position = ir.binary(Opcode::LLVMMul, task, ir.i64(step));
            if is_full {
                self.body_of_group(group, position);
            } else if is_masked {
                self.tail(group, extent, position);
            } else {
                let end = ir.add_without_overflow(position, ir.i64(step));
                let fits = ir.compare_int(IntPredicate::LLVMIntSLE, end, extent);
                self.either(
                    fits,
                    |walk| walk.body_of_group(group, position),
                    |walk| walk.tail(group, extent, position),
                );
            }
        } else if is_full {
            self.counted((ir.i64(0), extent), step, |walk, position| {
                walk.body_of_group(group, position);
            });
        } else if is_masked {
            self.counted((ir.i64(0), extent), step, |walk, position| {
                walk.tail(group, extent, position);
            });
        } else {
            let extent = ir.intrinsic("llvm.smax", &[ir.int(64)], &[extent, ir.i64(0)]);
            let full = ir.binary(Opcode::LLVMAnd, extent, ir.i64(-step));
            self.counted((ir.i64(0), full), step, |walk, position| {
                walk.body_of_group(group, position);
            });
            let remains = ir.compare_int(IntPredicate::LLVMIntSLT, full, extent);
            self.when(remains, |walk| walk.tail(group, extent, full));
        }
        self.group = None;
    }

    /// Executes one of two bodies.
    fn either(
        &mut self,
        condition: Value,
        then: impl FnOnce(&mut Self),
        otherwise: impl FnOnce(&mut Self),
    ) {
        let ir = self.ir;
        let [first, second, behind] = [(); 3].map(|()| ir.block(self.function));
        ir.branch_if(condition, first, second);
        ir.position(first);
        then(self);
        ir.branch(behind);
        ir.position(second);
        otherwise(self);
        ir.branch(behind);
        ir.position(behind);
    }
}

/// Whether no group has a lane beyond the extent, for any extents.
fn is_full(repeated: &For) -> bool {
    let width = i64::from(repeated.width());
    let divides = |extent: &Dim| extent.terms().iter().all(|(_, factor)| factor % width == 0);
    divides(&repeated.extent)
        && repeated.clip.iter().all(|clip| {
            clip.computed.is_empty()
                && divides(&clip.constant)
                && clip.terms.iter().all(|(_, factor)| divides(factor))
        })
}
