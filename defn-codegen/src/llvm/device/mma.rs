//! Products of matrices that the lanes of a warp hold, by tensor cores.
//!
//! ```text
//! mma.m16n8k8.tf32 ($0, $1, $2, $3) += (%0, %1, %2, %3) * (%4, %5)
//!   mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {d0, d1, d2, d3}, {a0, …}, {b0, b1}, {c0, …}
//! ```
//!
//! A lane is a thread, and holds what the instruction wants it to hold: two floats of 16 bits in one register.

use super::super::ir::{Opcode, Type, Value};
use super::super::walk::Walk;
use crate::loops::Expr;
use crate::loops::mma::{Mma, SUM, Shape};

impl Walk<'_, '_> {
    pub(in crate::llvm) fn mma(&mut self, mma: &Mma) {
        if self.width() != 1 || self.threads() == 1 {
            crate::bug!("llvm", "a thread of `{}` has several lanes of a warp", self.loops.name);
        }
        let ir = self.ir;
        let (name, register) = match mma.shape {
            Shape::Tf32 => ("llvm.nvvm.mma.m16n8k8.row.col.tf32", ir.int(32)),
            Shape::F16 => ("llvm.nvvm.mma.m16n8k16.row.col.f32.f32", ir.vector(ir.half(), 2)),
            Shape::Bf16 => ("llvm.nvvm.mma.m16n8k16.row.col.bf16", ir.int(32)),
        };
        let together = mma.shape.together();
        let held = [&mma.left, &mma.right].into_iter().flat_map(|all| all.chunks(together));
        let mut arguments: Vec<Value> = held.map(|all| self.packed(all, register)).collect();
        let sums: Vec<_> = mma.sums.iter().map(|sum| self.registers[sum].slot).collect();
        let load = |slot: &Value| ir.load(ir.element(SUM), *slot, SUM.size());
        arguments.extend(sums.iter().map(load));
        let fields = ir.intrinsic(name, &[], &arguments);
        for (number, slot) in sums.into_iter().enumerate() {
            ir.store(ir.field(fields, number as u32), slot, SUM.size());
        }
    }

    /// Neighbouring steps as one register.
    fn packed(&mut self, steps: &[Expr], register: Type) -> Value {
        let parts: Vec<Value> = steps.iter().map(|step| self.expr(step).raw).collect();
        self.ir.cast(Opcode::LLVMBitCast, self.ir.vector_of(&parts), register)
    }
}
