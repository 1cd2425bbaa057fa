//! Products of matrices that the lanes of a warp hold, by tensor cores.
//!
//! ```text
//! mma.m16n8k8.tf32 ($0, $1, $2, $3) += (%0, %1, %2, %3) * (%4, %5)
//!   mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {d0, d1, d2, d3}, {a0, …}, {b0, b1}, {c0, …}
//! ```
//!
//! A lane is a thread, and holds what the instruction wants it to hold.

use super::super::ir::{Opcode, Value};
use super::super::walk::Walk;
use crate::loops::mma::{Mma, Shape};

impl Walk<'_, '_> {
    pub(in crate::llvm) fn mma(&mut self, mma: &Mma) {
        if self.width() != 1 || self.threads() == 1 {
            crate::bug!("llvm", "a thread of `{}` has several lanes of a warp", self.loops.name);
        }
        let (ir, element) = (self.ir, mma.shape.element());
        let name = match mma.shape {
            Shape::Tf32 => "llvm.nvvm.mma.m16n8k8.row.col.tf32",
        };
        let mut arguments: Vec<Value> = Vec::new();
        for operand in mma.left.iter().chain(&mma.right) {
            let raw = self.expr(operand).raw;
            arguments.push(ir.cast(Opcode::LLVMBitCast, raw, ir.int(32)));
        }
        let sums: Vec<_> = mma.sums.iter().map(|sum| self.registers[sum].slot).collect();
        let load = |slot: &Value| ir.load(ir.element(element), *slot, element.size());
        arguments.extend(sums.iter().map(load));
        let fields = ir.intrinsic(name, &[], &arguments);
        for (number, slot) in sums.into_iter().enumerate() {
            ir.store(ir.field(fields, number as u32), slot, element.size());
        }
    }
}
