//! The team of threads that executes a nest, and which lanes belong to which of them.
//!
//! In:  a nest.   Out: how its lanes are dealt out, the same for all its loops.
//!
//! ```text
//! lanes 8, 4 threads      interleaved          consecutive
//! thread 0                0, 4                 0, 1
//! thread 1                1, 5                 2, 3
//! ```
//!
//! Interleaved lanes are next to each other in memory from thread to thread, and a fold of all lanes begins inside of the threads.
//! Consecutive lanes let a thread access several elements at once. Loops of as many lanes give a thread the same lanes, which programs rely on.

use std::collections::BTreeSet;

use super::super::ir::{Ir, Opcode, Type, Value};
use super::super::walk::{Processor, Walk};
use crate::graph::Dim;
use crate::loops::{Address, BufferId, Expr, Loops, Manner, Nest, Statement, VariableId, visit};

/// The threads of a warp, which exchange values without memory.
pub(super) const WARP: u32 = 32;

/// Bytes of the widest access of a thread.
pub(super) const WIDEST: usize = 16;

/// What a thread knows of its team.
pub(in crate::llvm) struct Team {
    /// How many threads it has.
    pub(super) threads: u32,
    /// Which of them this is, as `i32`.
    pub(super) thread: Value,
    pub(super) layout: Layout,
    /// What the nest only reads.
    pub(super) read_only: BTreeSet<BufferId>,
    /// Memory where warps exchange values, if they do.
    pub(super) exchange: Option<Value>,
}

/// Which lanes belong to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Interleaved,
    Consecutive,
}

impl Team {
    /// The numbers of `width` lanes of this thread.
    pub(in crate::llvm) fn lane_numbers(&self, ir: &Ir<'_>, ty: Type, width: u32) -> Value {
        let numbers: Vec<Value> =
            (0..width).map(|part| self.lane_number(ir, ty, (part, width))).collect();
        ir.vector_of(&numbers)
    }

    /// The number of one of `width` lanes of this thread.
    pub(super) fn lane_number(&self, ir: &Ir<'_>, ty: Type, (part, width): (u32, u32)) -> Value {
        let number = |number: u32| ir.constant(ty, i64::from(number));
        if self.threads == 1 {
            return number(part);
        }
        let is_wide = ty != ir.type_of(self.thread);
        let thread = if is_wide { ir.cast(Opcode::LLVMZExt, self.thread, ty) } else { self.thread };
        let first = match self.layout {
            Layout::Interleaved => thread,
            Layout::Consecutive => ir.binary(Opcode::LLVMMul, thread, number(width)),
        };
        ir.add_without_overflow(first, number(part * self.stride()))
    }

    /// How far two neighbouring lanes of a thread are apart.
    pub(super) fn stride(&self) -> u32 {
        match self.layout {
            Layout::Interleaved => self.threads,
            Layout::Consecutive => 1,
        }
    }
}

impl Walk<'_, '_> {
    /// The team of threads that executes the nest, if it does.
    pub(in crate::llvm) fn team(&self) -> Option<&Team> {
        match &self.processor {
            Processor::Host(_) => None,
            Processor::Device(team) => Some(team),
        }
    }

    /// How many threads execute the nest together.
    pub(in crate::llvm) fn threads(&self) -> u32 {
        self.team().map_or(1, |team| team.threads)
    }

    /// How many of so many parts a thread has.
    pub(in crate::llvm) fn parts_here(&self, parts: u32) -> u32 {
        here(parts, self.threads())
    }
}

/// How many of so many lanes a thread has; there may be none for some threads.
pub(super) fn here(lanes: u32, threads: u32) -> u32 {
    (lanes / threads).max(1)
}

/// Which lanes the threads have: consecutive ones if a wide access gains by it and no fold or shift loses.
pub(super) fn layout(loops: &Loops, nest: &Nest) -> Layout {
    let mut all = Accesses { loops, threads: nest.threads, rows: 0, others: 0 };
    all.block(&nest.body, None);
    if nest.threads > 1 && all.rows > 0 && all.others == 0 && !exchanges(nest) {
        return Layout::Consecutive;
    }
    Layout::Interleaved
}

/// Whether lanes exchange values.
pub(super) fn exchanges(nest: &Nest) -> bool {
    let mut found = false;
    visit::statements(&nest.body, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                found |= matches!(expr, Expr::Combine(..) | Expr::Shift { .. });
            });
        });
    });
    found
}

/// The most lanes that a loop has.
pub(super) fn most_lanes(nest: &Nest) -> u32 {
    let mut most = 1;
    visit::statements(&nest.body, &mut |statement| {
        if let Statement::For(inner) = statement {
            most = most.max(inner.width());
        }
    });
    most
}

/// The accesses of lanes to memory.
struct Accesses<'l> {
    loops: &'l Loops,
    threads: u32,
    /// How many are wide if lanes are consecutive.
    rows: usize,
    /// How many go from lane to lane, but cannot be wide.
    others: usize,
}

impl Accesses<'_> {
    fn block(&mut self, block: &[Statement], lanes: Option<(VariableId, u32)>) {
        for statement in block {
            match statement {
                Statement::For(inner) => {
                    let own = match inner.manner {
                        Manner::Lanes(width) if width > 1 => Some((inner.variable, width)),
                        Manner::Lanes(_) | Manner::Serial | Manner::Sorted | Manner::Parallel => {
                            lanes
                        }
                    };
                    self.block(&inner.body, own);
                }
                Statement::If { condition: _, body } => self.block(body, lanes),
                Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. } => {
                    visit::addresses(std::slice::from_ref(statement), &mut |buffer, address, _| {
                        self.access(buffer, address, lanes);
                    });
                }
                Statement::Sync | Statement::Mma(_) => {}
            }
        }
    }

    fn access(&mut self, buffer: BufferId, address: &Address, lanes: Option<(VariableId, u32)>) {
        let Some((variable, width)) = lanes else { return };
        let content = &self.loops.buffers[buffer];
        let parts = here(width, self.threads);
        if is_row(address, (variable, parts), content.lanes) {
            self.rows += usize::from(parts > 1);
        } else if content.lanes > 1 || !address.coefficient(variable).is(0) {
            self.others += 1;
        }
    }
}

/// Whether the lanes of a thread, so many, are one behind the other in memory, and begin at a multiple of their number.
pub(super) fn is_row(
    address: &Address,
    (variable, parts): (VariableId, u32),
    buffer_lanes: u32,
) -> bool {
    let own = address.coefficient(variable);
    if buffer_lanes > 1 {
        return own.is(0) && address.computed.is_empty();
    }
    let divides =
        |extent: &Dim| extent.terms().iter().all(|(_, factor)| factor % i64::from(parts) == 0);
    let others = address.terms.iter().filter(|(other, _)| *other != variable);
    own.is(1)
        && divides(&address.constant)
        && others.into_iter().all(|(_, by)| divides(by))
        && address.computed.is_empty()
}
