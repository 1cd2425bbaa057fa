//! Rows that a loop copies into scratch are asked for before they are read.
//!
//! In:  a serial loop inside lanes.   Out: the same, with the processor told which rows come.
//!
//! ```text
//! for k in 0..l {                          for (k = 0; k < l; k += 1)
//!   let %0 = load b[m*k + j]                 prefetch the lines of b[m*(k + 16) + j]
//!   store p[k] = %0                          as before
//!   $0 = fma(…, %0, $0)
//! }
//! ```
//!
//! What is copied is read for the first time and comes from far away. Beside multiply-adds no processor looks far enough ahead by itself:
//! an encoder layer of 128 rows takes 2.8 ms without, 2.4 ms with it.

use super::walk::Walk;
use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{Address, BufferId, For, Space, Statement};

/// How many iterations ahead: of 12 cycles, together about what a cache of the third level takes to answer.
const AHEAD: i64 = 16;
/// Bytes of a line of the cache.
const LINE: u32 = 64;

impl Walk<'_, '_> {
    /// Asks for the rows that the loop copies some iterations later; there, nothing is read that does not exist.
    pub(super) fn ask_for_copied(&mut self, repeated: &For) {
        for (buffer, address) in self.copied_rows(repeated) {
            let (ir, element) = (self.ir, self.loops.buffers[buffer].element);
            let ty = ir.element(element);
            let ahead = address.coefficient(repeated.variable) * Dim::from(AHEAD);
            let constant = address.constant.clone() + ahead;
            let first = self.affine(&constant, &address.terms);
            let row = ir.element_address(ty, self.buffers[&buffer], first);
            let [read, keep, data] = [0, 3, 1].map(|number| ir.constant(ir.int(32), number));
            let size = element.size() as u32;
            for lane in (0..self.width()).step_by((LINE / size) as usize) {
                let line = ir.element_address(ty, row, ir.i64(i64::from(lane)));
                ir.intrinsic("llvm.prefetch", &[ir.pointer()], &[line, read, keep, data]);
            }
        }
    }

    /// The loads of rows, each far from the last, in a loop that fills scratch with a part for each lane.
    fn copied_rows(&self, repeated: &For) -> Vec<(BufferId, Address)> {
        let Some(group) = self.group else { return Vec::new() };
        if repeated.body.iter().any(|inner| matches!(inner, Statement::For(_))) {
            return Vec::new();
        }
        let mut rows: Vec<(BufferId, Address)> = Vec::new();
        let mut copies = false;
        visit::addresses(&repeated.body, &mut |buffer, address, written| {
            let content = &self.loops.buffers[buffer];
            let is_scratch = content.lanes > 1 && matches!(content.space, Space::Private(_));
            copies |= written && is_scratch;
            let step = address.coefficient(repeated.variable);
            let is_row = !written
                && content.lanes == 1
                && address.computed.is_empty()
                && address.coefficient(group.variable).is(1)
                && step.as_constant().is_none_or(|step| step.abs() > 1);
            if is_row {
                rows.push((buffer, address.clone()));
            }
        });
        if copies { rows } else { Vec::new() }
    }
}
