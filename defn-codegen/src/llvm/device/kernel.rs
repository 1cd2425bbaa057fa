//! The kernel of a nest: its parameters, its threads, and the tasks of each team.
//!
//! In:  the loops of a nest, alone and without names.   Out: an entry point of the module, and how it is launched.
//!
//! ```text
//! .entry f_0(ptr b0, ptr b1, i64 offset of b2, i64 s0, i64 s1, ptr private, i64 stride)
//!   thread = tid % threads; team = block * teams in a block + tid / threads
//!   b2 = private + stride * team + offset of b2
//!   for (task = team; task < tasks; task += all teams) { body; wait for each other if the team has scratch }
//! ```
//!
//! Shared scratch of a team is at fixed places in the memory of its block.
//! Pointers are promised to be apart from each other as long as no thread reads what another one wrote: LLVM would move accesses over `sync`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::dims::{Dims, Symbols};
use super::super::ir::{Block, Function, IntPredicate, Ir, Linkage, Memory, Opcode, Type, Value};
use super::super::lockstep::alive;
use super::super::target::{self, Registers};
use super::super::walk::{Processor, Walk, groups};
use super::repeat::Task;
use super::team::{Layout, Team, WARP, exchanges, here, layout, most_lanes};
use crate::diagnostic::Limitation;
use crate::graph::Dim;
use crate::loops::{BufferId, Loops, Nest, Space, Statement, visit};
use crate::origin::Origin;

/// How a kernel is launched.
pub(super) struct Kernel {
    pub(super) name: String,
    /// Threads of a team, and teams of a block.
    pub(super) threads: u32,
    pub(super) teams: u32,
    /// Bytes of shared memory that the launch gives a block.
    pub(super) shared: u32,
    pub(super) has_private: bool,
}

/// So many threads in a block keep a processor busy, and leave it several blocks to choose from.
const BLOCK: u32 = 256;
/// So many blocks beside each other leave a thread 80 registers.
const BLOCKS: u32 = 3;
/// Registers of a thread, all that there are.
const ALL: u32 = 255;
/// Of more values than these, a thread may have all registers that there are.
const FEW: usize = 48;
/// Bytes of shared memory that a kernel can declare.
const DECLARED: i64 = 48 << 10;
/// Bytes of shared memory that a block of any device of ours can have.
const MOST_SHARED: i64 = 163 << 10;
/// Bytes of parameters that a kernel can have.
const PARAMETERS: usize = 4096;
/// The alignment of every buffer.
const ALIGNMENT: usize = 64;

/// What a block is made of.
struct Plan {
    threads: u32,
    teams: u32,
    /// See Note [Registers for occupancy].
    registers: Registers,
    layout: Layout,
    /// Bytes of shared scratch of a team.
    scratch: i64,
    /// Bytes in which warps exchange values.
    exchange: i64,
}

impl Plan {
    fn of(loops: &Loops, nest: &Nest) -> Self {
        let threads = nest.threads;
        let ends = loops.buffers.iter().filter_map(|(_, buffer)| match &buffer.space {
            Space::Shared(offset) => (offset.clone()? + buffer.bytes()).as_constant(),
            Space::Parameter(_)
            | Space::Updated(_)
            | Space::Result(_)
            | Space::Workspace(_)
            | Space::Private(_) => None,
        });
        let scratch = (ends.max().unwrap_or(0) + 15) & -16;
        // Warps that are a team wait for all warps of the block.
        let mut teams = if threads > WARP { 1 } else { BLOCK / threads };
        while teams > 1 && scratch * i64::from(teams) > DECLARED {
            teams /= 2;
        }
        let meets = threads > WARP && exchanges(nest);
        let parts = if has_shift(nest) { here(most_lanes(nest), threads) } else { 1 };
        let exchange = if meets { 8 * i64::from(threads * parts) } else { 0 };
        let is_narrow = threads == WARP && registers(&nest.body, threads, 1) <= FEW;
        let registers = if is_narrow && loops_of_lanes(nest) > 1 {
            Registers::Blocks(BLOCKS)
        } else if (WARP + 1..=BLOCK).contains(&threads) {
            Registers::Most(ALL)
        } else {
            Registers::Free
        };
        Self { threads, teams, registers, layout: layout(loops, nest), scratch, exchange }
    }

    /// Whether the launch gives the scratch, because it is too much to be declared.
    fn is_dynamic(&self) -> bool {
        self.scratch * i64::from(self.teams) + self.exchange > DECLARED
    }
}

fn loops_of_lanes(nest: &Nest) -> usize {
    let mut count = 0;
    visit::statements(&nest.body, &mut |statement| {
        count += usize::from(matches!(statement, Statement::For(inner) if inner.width() > 1));
    });
    count
}

/// About how many values a thread holds at a time, in a loop of so many lanes for each.
fn registers(block: &[Statement], threads: u32, lanes: u32) -> usize {
    let inside = block.iter().map(|statement| match statement {
        Statement::For(inner) if inner.width() > 1 => {
            registers(&inner.body, threads, here(inner.width(), threads))
        }
        Statement::For(inner) => registers(&inner.body, threads, lanes),
        Statement::If { condition: _, body } => registers(body, threads, lanes),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::Sync
        | Statement::Mma(_) => 0,
    });
    let variables = block.iter().map(|statement| match statement {
        Statement::Declare { lanes: parts, .. } => here(*parts, threads).max(lanes) as usize,
        Statement::For(_)
        | Statement::If { .. }
        | Statement::Let { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::Sync
        | Statement::Mma(_) => 0,
    });
    let variables: usize = variables.sum();
    variables + inside.max().unwrap_or(0).max(alive(block) * lanes as usize)
}

fn has_shift(nest: &Nest) -> bool {
    let mut found = false;
    visit::statements(&nest.body, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                found |= matches!(expr, crate::loops::Expr::Shift { .. });
            });
        });
    });
    found
}

/// Writes the kernel of a nest that reads so many numbers.
pub(super) fn kernel(
    ir: &Ir<'_>,
    loops: &Loops,
    name: String,
    numbers: usize,
) -> Result<Kernel, Limitation> {
    let nest = &loops.nests[0];
    let plan = Plan::of(loops, nest);
    let has_private = loops.buffers.iter().any(|(_, buffer)| buffer.space.is_private());
    let types = parameters(ir, loops, (numbers, has_private));
    refuse(&plan, types.len())?;
    let function = ir.function(&name, &types, Linkage::Kernel);
    target::describe_kernel(ir, function, plan.threads * plan.teams, plan.registers);
    let frame = Frame::new(ir, function, &plan);
    let written = written(nest);
    let buffers = frame.buffers((loops, numbers), &plan, &name);
    promise(ir, loops, (function, numbers), is_apart(nest));
    let ids = loops.buffers.ids();
    let first = types.len() - numbers - if has_private { 2 } else { 0 };
    let values = (first..first + numbers).map(|at| ir.parameter(function, at)).collect();
    let exchange = (plan.exchange > 0)
        .then(|| ir.shared_memory(&format!("{name}_exchange"), Some(plan.exchange as u64)));
    let mut walk = Walk {
        ir,
        loops,
        processor: Processor::Device(Team {
            threads: plan.threads,
            thread: frame.thread,
            layout: plan.layout,
            read_only: ids.filter(|id| !written.contains(id)).collect(),
            exchange,
        }),
        function,
        entry: frame.entry,
        dims: Dims::new(ir, frame.entry, Symbols::Values(values)),
        buffers,
        variables: BTreeMap::new(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        extremes: BTreeSet::new(),
        group: None,
        ahead: None,
        staged: Vec::new(),
        range: None,
        task: None,
        combined: BTreeMap::new(),
        stages: BTreeMap::new(),
    };
    let body = ir.block(function);
    ir.position(body);
    walk.tasks(nest, &frame);
    ir.return_nothing();
    ir.position(frame.entry);
    ir.branch(body);
    let shared = if plan.is_dynamic() { plan.scratch * i64::from(plan.teams) } else { 0 };
    let Plan { threads, teams, .. } = plan;
    Ok(Kernel { name, threads, teams, shared: shared as u32, has_private })
}

/// The types of the parameters: buffers, numbers, private scratch.
fn parameters(ir: &Ir<'_>, loops: &Loops, (numbers, has_private): (usize, bool)) -> Vec<Type> {
    let (pointer, number) = (ir.pointer_into(Memory::Global), ir.int(64));
    let buffers = loops.buffers.iter().filter_map(|(_, buffer)| match &buffer.space {
        Space::Private(_) => Some(number),
        Space::Shared(_) => None,
        Space::Parameter(_) | Space::Updated(_) | Space::Result(_) | Space::Workspace(_) => {
            Some(pointer)
        }
    });
    let mut types: Vec<Type> = buffers.collect();
    types.extend(vec![number; numbers]);
    types.extend(has_private.then_some([pointer, number]).into_iter().flatten());
    types
}

/// What no device can do.
fn refuse(plan: &Plan, parameters: usize) -> Result<(), Limitation> {
    let (shared, bytes) = (plan.scratch * i64::from(plan.teams) + plan.exchange, 8 * parameters);
    let what = if shared > MOST_SHARED {
        format!("a kernel shares {shared} bytes, and a device has {MOST_SHARED} for it")
    } else if bytes > PARAMETERS {
        format!("a kernel has {bytes} bytes of parameters, and a device takes {PARAMETERS}")
    } else {
        return Ok(());
    };
    let instead = "run the function on the processor".to_owned();
    Err(Limitation { origin: Origin::NONE, what, instead })
}

/// Whether no thread reads what another one wrote.
fn is_apart(nest: &Nest) -> bool {
    let mut is_apart = true;
    visit::statements(&nest.body, &mut |statement| {
        is_apart &= !matches!(statement, Statement::Sync);
    });
    is_apart
}

/// What a nest stores to.
fn written(nest: &Nest) -> BTreeSet<BufferId> {
    let mut written = BTreeSet::new();
    visit::addresses(&nest.body, &mut |buffer, _, is_written| {
        if is_written {
            written.insert(buffer);
        }
    });
    written
}

/// Says of the pointers what LLVM may rely on.
fn promise(ir: &Ir<'_>, loops: &Loops, (function, numbers): (Function, usize), is_apart: bool) {
    let written = written(&loops.nests[0]);
    let mut at = 0;
    let pointer = |at: usize, is_apart: bool| {
        ir.align_parameter(function, at, ALIGNMENT);
        if is_apart {
            ir.attribute(function, Some(at), "noalias");
        }
    };
    let mut private = false;
    for (id, buffer) in loops.buffers.iter() {
        match buffer.space {
            Space::Parameter(_) | Space::Updated(_) | Space::Result(_) | Space::Workspace(_) => {
                pointer(at, is_apart || !written.contains(&id));
                at += 1;
            }
            Space::Private(_) => {
                private = true;
                at += 1;
            }
            Space::Shared(_) => {}
        }
    }
    if private {
        pointer(at + numbers, is_apart);
    }
}

/// Where the threads of a kernel are, in its first block.
struct Frame<'a, 'c> {
    ir: &'a Ir<'c>,
    function: Function,
    entry: Block,
    /// The thread in its team, as `i32`.
    thread: Value,
    /// The team in its block, as `i64`.
    inside: Value,
    /// The team among all, and how many there are.
    team: Value,
    all: Value,
}

impl<'a, 'c> Frame<'a, 'c> {
    fn new(ir: &'a Ir<'c>, function: Function, plan: &Plan) -> Self {
        let entry = ir.block(function);
        ir.position(entry);
        let (word, wide) = (ir.int(32), ir.int(64));
        let special =
            |name: &str| ir.intrinsic(&format!("llvm.nvvm.read.ptx.sreg.{name}.x"), &[], &[]);
        let [tid, block, blocks] = ["tid", "ctaid", "nctaid"].map(special);
        let number = |number: u32| ir.constant(word, i64::from(number));
        let last = number(plan.threads - 1);
        let thread = ir.binary(Opcode::LLVMAnd, tid, last);
        let mut inside = ir.binary(Opcode::LLVMLShr, tid, number(plan.threads.trailing_zeros()));
        if plan.threads == WARP {
            // The same for all threads of the warp, which the assembler sees only like this: loops that it knows to be in step need no place
            // to meet again, and their numbers are kept once for all threads.
            let operands = [ir.constant(word, -1), inside, number(0), number(WARP - 1)];
            inside = ir.intrinsic("llvm.nvvm.shfl.sync.idx.i32", &[], &operands);
        }
        let [inside, block, blocks] =
            [inside, block, blocks].map(|it| ir.cast(Opcode::LLVMZExt, it, wide));
        let teams = ir.i64(i64::from(plan.teams));
        let [first, all] = [block, blocks].map(|it| ir.binary(Opcode::LLVMMul, it, teams));
        let team = ir.binary(Opcode::LLVMAdd, first, inside);
        Self { ir, function, entry, thread, inside, team, all }
    }

    /// Where each buffer is.
    fn buffers(
        &self,
        (loops, numbers): (&Loops, usize),
        plan: &Plan,
        name: &str,
    ) -> BTreeMap<BufferId, Value> {
        let (ir, byte) = (self.ir, self.ir.int(8));
        let is_parameter = |space: &Space| !space.is_shared();
        let taken = loops.buffers.iter().filter(|(_, it)| is_parameter(&it.space)).count();
        let scratch = (plan.scratch > 0).then(|| {
            let declared = plan.scratch * i64::from(plan.teams);
            let declared = (!plan.is_dynamic()).then_some(declared as u64);
            let own = ir.binary(Opcode::LLVMMul, self.inside, ir.i64(plan.scratch));
            let all = ir.shared_memory(&format!("{name}_shared"), declared);
            ir.element_address(byte, all, own)
        });
        let (mut at, mut buffers) = (0, BTreeMap::new());
        for (id, buffer) in loops.buffers.iter() {
            let place = match &buffer.space {
                Space::Shared(offset) => {
                    let offset = offset.as_ref().and_then(Dim::as_constant);
                    let (Some(scratch), Some(offset)) = (scratch, offset) else {
                        crate::bug!("llvm", "the memory of `{name}` is not planned")
                    };
                    buffers.insert(id, ir.element_address(byte, scratch, ir.i64(offset)));
                    continue;
                }
                Space::Private(_) => {
                    let [private, stride] =
                        [0, 1].map(|more| ir.parameter(self.function, taken + numbers + more));
                    let own = ir.binary(Opcode::LLVMMul, self.team, stride);
                    let own = ir.binary(Opcode::LLVMAdd, own, ir.parameter(self.function, at));
                    ir.element_address(byte, private, own)
                }
                Space::Parameter(_)
                | Space::Updated(_)
                | Space::Result(_)
                | Space::Workspace(_) => ir.parameter(self.function, at),
            };
            buffers.insert(id, place);
            at += 1;
        }
        buffers
    }
}

impl<'a> Walk<'a, '_> {
    /// The tasks of the team, one after the other.
    fn tasks(&mut self, nest: &'a Nest, frame: &Frame<'_, '_>) {
        let ir = self.ir;
        let shared = nest.shared();
        let tasks = shared.iter().fold(Dim::from(1), |tasks, inner| tasks * groups(inner));
        let tasks = self.dim(&tasks);
        let mut has_scratch = false;
        nest.buffers(&mut |buffer| {
            let space = &self.loops.buffers[buffer].space;
            has_scratch |= space.is_private() || space.is_shared();
        });
        let (head, inside, behind) =
            (ir.current_block(), ir.block(self.function), ir.block(self.function));
        let enters = ir.compare_int(IntPredicate::LLVMIntSLT, frame.team, tasks);
        ir.branch_if(enters, inside, behind);
        ir.position(inside);
        let task = ir.phi(ir.int(64));
        ir.incoming(task, frame.team, head);
        self.task = (!shared.is_empty()).then_some(Task { loops: shared, number: task });
        self.statements(&nest.body);
        if has_scratch && self.threads() > 1 {
            self.sync();
        }
        let next = ir.add_without_overflow(task, frame.all);
        let repeats = ir.compare_int(IntPredicate::LLVMIntSLT, next, tasks);
        ir.incoming(task, next, ir.current_block());
        ir.branch_if(repeats, inside, behind);
        ir.position(behind);
    }
}

// Note [Registers for occupancy]
// ------------------------------
// The assembler looks for a number of registers with which many warps fit on a processor, and stores some values for that.
// Of nests that go over their rows several times these are addresses and bounds of all the loops, which are loaded again in each of them.
// With 80 registers none of the benchmark's programs spills, and 24 warps fit. Nests of one loop need fewer, and the assembler's choice is
// the better one: told of 24 warps it would take 80 registers for what needs 32, and more warps would wait for memory side by side.
// Tiles of products have a block for a team, and as many sums as fit: left alone, the assembler makes room for a second block and spills.
