//! Parts of the entry point that run again and again, or perhaps never.
//!
//! In:  a marker between nests.   Out: basic blocks around the calls of the nests.
//!
//! ```text
//! repeat i0 in 0..n {      if (0 < n) { i0 = 0; do { call nest 0(…, i0) } while (++i0 < n) }
//!   nest 0 { … }
//! }
//! ```

use super::entry::Entry;
use super::ir::{Block, IntPredicate, Opcode, Value};
use crate::loops::BufferId;
use crate::loops::control::Control;

/// A part whose end is not reached.
pub(super) enum Open {
    /// A loop: its variable, where it begins and goes on, and how often it runs, if that is known.
    Loop { position: Value, inside: Block, behind: Block, times: Option<Value> },
    /// A condition: where its other side begins, if that is still to come, and where it goes on.
    If { otherwise: Option<Block>, behind: Block },
}

impl Entry<'_, '_> {
    /// Writes a marker.
    pub(super) fn marker(&mut self, control: &Control) {
        match control {
            Control::Repeat { variable, extent } => {
                let times = self.dim(extent);
                let value = self.enter(Some(times));
                self.variables.insert(*variable, value);
            }
            Control::Loop { variable } => {
                let value = self.enter(None);
                self.variables.insert(*variable, value);
            }
            Control::Leave { unless } => {
                let holds = self.flag(*unless);
                let next = self.ir.block(self.function);
                if let Some(Open::Loop { behind, .. }) = self.open.last() {
                    self.ir.branch_if(holds, next, *behind);
                }
                self.ir.position(next);
            }
            Control::If { condition } => {
                let holds = self.flag(*condition);
                let [then, behind] = [(); 2].map(|()| self.ir.block(self.function));
                let otherwise = self.ir.block(self.function);
                self.ir.branch_if(holds, then, otherwise);
                self.ir.position(then);
                self.open.push(Open::If { otherwise: Some(otherwise), behind });
            }
            Control::Else => {
                if let Some(Open::If { otherwise, behind }) = self.open.last_mut() {
                    self.ir.branch(*behind);
                    if let Some(otherwise) = otherwise.take() {
                        self.ir.position(otherwise);
                    }
                }
            }
            Control::End => self.leave(),
            Control::Inspect { buffer, site: _ } => self.inspect(*buffer),
        }
    }

    /// Calls the host with the number of the marker and the address of what it looks at.
    fn inspect(&mut self, buffer: BufferId) {
        let ir = self.ir;
        let host = self.host();
        let callback = ir.load(ir.pointer(), host, 8);
        let number = ir.i64(self.shown);
        self.shown += 1;
        ir.call_pointer(callback, &[host, number, self.address(buffer)]);
    }

    /// Begins a loop, and gives its variable.
    fn enter(&mut self, times: Option<Value>) -> Value {
        let ir = self.ir;
        let (head, inside, behind) =
            (ir.current_block(), ir.block(self.function), ir.block(self.function));
        match times {
            Some(times) => {
                let enters = ir.compare_int(IntPredicate::LLVMIntSLT, ir.i64(0), times);
                ir.branch_if(enters, inside, behind);
            }
            None => ir.branch(inside),
        }
        ir.position(inside);
        let position = ir.phi(ir.int(64));
        ir.incoming(position, ir.i64(0), head);
        self.open.push(Open::Loop { position, inside, behind, times });
        position
    }

    /// Ends the innermost part.
    fn leave(&mut self) {
        let ir = self.ir;
        match self.open.pop() {
            Some(Open::Loop { position, inside, behind, times }) => {
                let next = ir.add_without_overflow(position, ir.i64(1));
                ir.incoming(position, next, ir.current_block());
                match times {
                    Some(times) => {
                        let repeats = ir.compare_int(IntPredicate::LLVMIntSLT, next, times);
                        ir.branch_if(repeats, inside, behind);
                    }
                    None => ir.branch(inside),
                }
                ir.position(behind);
            }
            Some(Open::If { otherwise, behind }) => {
                ir.branch(behind);
                // Without another side there is nothing to do there.
                if let Some(otherwise) = otherwise {
                    ir.position(otherwise);
                    ir.branch(behind);
                }
                ir.position(behind);
            }
            None => crate::bug!("llvm", "a marker of `{}` ends nothing", self.loops.name),
        }
    }

    /// Whether the `bool` in a buffer holds.
    fn flag(&self, buffer: BufferId) -> Value {
        let ir = self.ir;
        let byte = ir.load(ir.int(8), self.address(buffer), 1);
        let bit = ir.binary(Opcode::LLVMAnd, byte, ir.constant(ir.int(8), 1));
        ir.compare_int(IntPredicate::LLVMIntNE, bit, ir.constant(ir.int(8), 0))
    }
}
