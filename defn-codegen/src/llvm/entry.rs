//! The entry point, and how it hands out tasks.
//!
//! In:  loops, and a function for each nest.   Out: `defn_entry`, and for each nest with tasks a function that a worker calls.
//!
//! ```text
//! void defn_entry(ptr buffers, ptr symbols, ptr workspace, ptr team)
//!     finds each buffer and calls the nests, one after the other
//! void defn_softmax_1_task(ptr arguments, i64 begin, i64 end, ptr private)
//!     calls the nest with what the list of arguments says, and with scratch of the worker
//! ```
//!
//! A nest under a condition on extents is called only if that holds. The extents that it reads are written into a table before.
//! A nest with tasks is called as any other if there is no team, or if all its tasks together take less time than the gate of the team.
//! Otherwise the team gets a job, and returns when every task is done:
//!
//! ```text
//! team  { void (*run)(ptr team, ptr job), i64 gate }
//! job   { void (*task)(…), ptr arguments, ptr private, i64 stride,
//!         i64 iterations, i64 multiple, i64 whole, i64 front, i64 block }
//! ```
//!
//! Where the host looks at a buffer, its function is called with the number of the marker and the address of the elements.
//! The address of `host` stands behind those of the results, if there is such a place:
//!
//! ```text
//! host  { void (*inspect)(ptr host, i64 number, ptr elements) }
//! ```
//!
//! `private` is the scratch of worker 0, which is the caller; that of worker k begins `k * stride` bytes behind it.
//! `multiple` divides the beginning of every range; `whole` is what all iterations take, `front` what every range takes besides
//! for each block of iterations that it meets, and the gate a time, all in picoseconds.
//! The runtime's `abi.rs` says the same.

use std::collections::{BTreeMap, BTreeSet};

use super::alike::Read;
use super::control::Open;
use super::dims::{Dims, Symbols};
use super::ir::{Block, Function, IntPredicate, Ir, Linkage, Opcode, Value};
use super::parts::{Call, Functions};
use super::target;
use super::walk::{NestFunction, groups};
use crate::graph::{Binary, Comparison, Dim, Unary};
use crate::loops::{BufferId, Expr, Loops, Nest, Space, Statement, VariableId, ask};
use crate::options::Level;

/// The words of a job, and the places of those that have a name here.
const JOB: usize = 9;
const TASK: i64 = 0;
const LIST: i64 = 1;
const PRIVATE: i64 = 2;
const ITERATIONS: i64 = 4;
const WHOLE: i64 = 6;

/// What is known in the entry point.
pub(super) struct Entry<'a, 'c> {
    pub(super) ir: &'a Ir<'c>,
    pub(super) loops: &'a Loops,
    pub(super) function: Function,
    dims: Dims<'a, 'c>,
    symbols: Value,
    workspace: Value,
    team: Value,
    addresses: BTreeMap<BufferId, Place>,
    /// The variables of the parts that are open.
    pub(super) variables: BTreeMap<VariableId, Value>,
    /// The parts that are open, the innermost last.
    pub(super) open: Vec<Open>,
    /// The addresses of all buffers.
    buffers: Value,
    /// How many markers before this one show something to the host.
    pub(super) shown: i64,
    /// Memory for what the next nest is called with.
    memory: Memory,
    /// Calls a task or gives it to the team, if nests are many.
    runner: Option<Function>,
}

/// Memory of the entry point.
#[derive(Clone, Copy)]
struct Memory {
    /// The extents that a nest reads; behind them the addresses of all buffers.
    extents: Value,
    addresses: i64,
    /// The list of the buffers of a nest.
    list: Value,
    job: Value,
}

/// The address of a buffer.
#[derive(Clone, Copy)]
enum Place {
    Register(Value),
    /// Where it stands in memory.
    Memory(Value),
}

/// From so many nests on, the entry point is long: see Note [Many nests].
const MANY: usize = 8;

/// What a nest does if the entry point calls it, and the condition on extents under which it does: every worker would decide it again.
pub(super) fn called_under(nest: &Nest) -> (Option<&Expr>, &[Statement]) {
    match nest.body.as_slice() {
        [Statement::If { condition, body }] if ask::is_of_extents(condition) => {
            (Some(condition), body)
        }
        body => (None, body),
    }
}

/// Writes the entry point.
pub(super) fn entry(
    ir: &Ir<'_>,
    Functions { loops, functions: _, calls }: &Functions<'_>,
    level: Level,
    nests: &[NestFunction],
) {
    let runner = (calls.len() >= MANY).then(|| runner(ir, level));
    let function = ir.function("defn_entry", &[ir.pointer(); 4], Linkage::Public);
    target::describe(ir, function, level);
    // What depends on extents alone stays in the first block, which therefore has no end yet.
    let (first, body) = (ir.block(function), ir.block(function));
    ir.position(first);
    let [buffers, symbols, workspace, team] = [0, 1, 2, 3].map(|at| ir.parameter(function, at));
    let dims = Dims::new(ir, first, Symbols::Table(symbols));
    let memory = Memory::of(ir, first, (loops, calls));
    let mut entry = Entry {
        ir,
        loops,
        function,
        dims,
        symbols,
        workspace,
        team,
        addresses: BTreeMap::new(),
        variables: BTreeMap::new(),
        open: Vec::new(),
        buffers,
        shown: 0,
        memory,
        runner,
    };
    entry.find_buffers(buffers, calls);
    ir.position(body);
    if runner.is_some() {
        entry.write_private();
    }
    for (nest, call) in loops.nests.iter().zip(calls) {
        if let Some(control) = &nest.control {
            entry.marker(control);
        }
        let Some(call) = call else { continue };
        let condition = call.condition.as_ref().map(|condition| entry.condition(condition));
        let behind = condition.map(|condition| entry.skip_unless(condition));
        let extents = entry.extents(call);
        entry.run(nest, nests[call.function], (call, extents));
        if let Some(behind) = behind {
            ir.branch(behind);
            ir.position(behind);
        }
    }
    ir.return_nothing();
    ir.position(first);
    ir.branch(body);
}

/// The function that a worker calls, without its body.
pub(super) fn declare_task(ir: &Ir<'_>, nest: &str, linkage: Linkage) -> Function {
    let (pointer, number) = (ir.pointer(), ir.int(64));
    ir.function(&format!("{nest}_task"), &[pointer, number, number, pointer], linkage)
}

/// Writes the function that a worker calls for the function of a nest, which is alone in its loops.
pub(super) fn task(
    ir: &Ir<'_>,
    loops: &Loops,
    level: Level,
    (function, nest): (Function, Function),
) {
    let (pointer, number) = (ir.pointer(), ir.int(64));
    target::describe(ir, function, level);
    let block = ir.block(function);
    ir.position(block);
    let [list, begin, end, private] = [0, 1, 2, 3].map(|at| ir.parameter(function, at));
    let argument = |ty, at: usize| {
        let slot = ir.element_address(pointer, list, ir.i64(at as i64));
        ir.load(ty, slot, 8)
    };
    let buffers = loops.buffers.iter().enumerate().map(|(at, (_, buffer))| match buffer.space {
        Space::Private(_) => ir.element_address(ir.int(8), private, argument(number, at)),
        Space::Parameter(_)
        | Space::Updated(_)
        | Space::Result(_)
        | Space::Workspace(_)
        | Space::Shared(_) => argument(pointer, at),
    });
    let mut arguments: Vec<Value> = buffers.collect();
    arguments.extend([argument(pointer, loops.buffers.len()), begin, end]);
    ir.call(nest, &arguments);
    ir.return_nothing();
}

fn planned(loops: &Loops, offset: Option<&Dim>) -> Dim {
    let Some(offset) = offset else {
        crate::bug!("llvm", "the memory of `{}` is not planned", loops.name)
    };
    offset.clone()
}

/// The buffers that nests and markers use.
fn used(loops: &Loops, calls: &[Option<Call>]) -> BTreeSet<BufferId> {
    let flags = loops.nests.iter().filter_map(|nest| nest.control.as_ref()?.reads());
    calls.iter().flatten().flat_map(|call| call.buffers.iter().copied()).chain(flags).collect()
}

/// What decides whether a job is done at once or given to the team.
fn runner(ir: &Ir<'_>, level: Level) -> Function {
    let types = [ir.pointer(); 2];
    let function = ir.function("defn_run", &types, Linkage::Internal);
    target::describe(ir, function, level);
    ir.attribute(function, None, "noinline");
    let [first, asks, hands_out, alone] = [(); 4].map(|()| ir.block(function));
    let [team, job] = [0, 1].map(|at| ir.parameter(function, at));
    let word = |ty, at: i64| ir.load(ty, ir.element_address(ir.int(64), job, ir.i64(at)), 8);
    ir.position(first);
    ir.branch_if(ir.is_null(team), alone, asks);
    ir.position(asks);
    let is_small = is_small(ir, team, word(ir.int(64), WHOLE));
    ir.branch_if(is_small, alone, hands_out);
    ir.position(hands_out);
    ir.call_pointer(ir.load(ir.pointer(), team, 8), &[team, job]);
    ir.return_nothing();
    ir.position(alone);
    let [task, list, private] = [TASK, LIST, PRIVATE].map(|at| word(ir.pointer(), at));
    let iterations = word(ir.int(64), ITERATIONS);
    ir.call_pointer(task, &[list, ir.i64(0), iterations, private]);
    ir.return_nothing();
    function
}

/// Whether so many picoseconds are below the gate of the team.
fn is_small(ir: &Ir<'_>, team: Value, whole: Value) -> Value {
    let gate = ir.load(ir.int(64), ir.element_address(ir.int(64), team, ir.i64(1)), 8);
    ir.compare_int(IntPredicate::LLVMIntSLT, whole, gate)
}

impl Memory {
    /// As much as the largest nest needs: the team returns when a job is done.
    fn of(ir: &Ir<'_>, first: Block, (loops, calls): (&Loops, &[Option<Call>])) -> Self {
        let words = |count: usize| ir.stack(first, ir.array(ir.int(64), count));
        let some = || calls.iter().flatten();
        let places = some().map(|call| call.extents.len()).max().unwrap_or(0);
        let lists = some().map(|call| call.buffers.len() + 1);
        Self {
            extents: words(places + used(loops, calls).len()),
            addresses: places as i64,
            list: words(lists.max().unwrap_or(0)),
            job: words(JOB),
        }
    }
}

impl Entry<'_, '_> {
    /// The address of every buffer that a nest uses.
    fn find_buffers(&mut self, buffers: Value, calls: &[Option<Call>]) {
        let (ir, pointer) = (self.ir, self.ir.pointer());
        let is_parameter = |space: &Space| matches!(space, Space::Parameter(_) | Space::Updated(_));
        let all = self.loops.buffers.iter();
        let parameters = all.filter(|(_, buffer)| is_parameter(&buffer.space)).count();
        ir.position(self.dims.entry());
        for (at, id) in (self.memory.addresses..).zip(used(self.loops, calls)) {
            let argument = |position: usize| {
                let slot = ir.element_address(pointer, buffers, ir.i64(position as i64));
                ir.load(pointer, slot, 8)
            };
            let address = match &self.loops.buffers[id].space {
                Space::Parameter(position) | Space::Updated(position) => argument(*position),
                Space::Result(position) => argument(parameters + position),
                Space::Workspace(offset) => {
                    let offset = planned(self.loops, offset.as_ref());
                    self.scratch(&offset)
                }
                Space::Private(offset) => {
                    let offset = planned(self.loops, offset.as_ref());
                    self.scratch(&(self.loops.workspace.clone() + offset))
                }
                Space::Shared(_) => crate::bug!(
                    "llvm",
                    "`{}` has scratch that only a team of threads has",
                    self.loops.name
                ),
            };
            let place = if self.runner.is_none() {
                Place::Register(address)
            } else {
                let slot = ir.element_address(pointer, self.memory.extents, ir.i64(at));
                ir.store(address, slot, 8);
                Place::Memory(slot)
            };
            self.addresses.insert(id, place);
        }
    }

    /// The address of what the host is called through, which stands behind those of the results.
    pub(super) fn host(&self) -> Value {
        let (ir, pointer) = (self.ir, self.ir.pointer());
        let leaves = self
            .loops
            .buffers
            .iter()
            .filter(|(_, buffer)| !buffer.space.is_workspace() && !buffer.space.is_private());
        let slot = ir.element_address(pointer, self.buffers, ir.i64(leaves.count() as i64));
        ir.load(pointer, slot, 8)
    }

    fn scratch(&mut self, offset: &Dim) -> Value {
        let offset = self.dims.value(offset);
        self.ir.element_address(self.ir.int(8), self.workspace, offset)
    }

    /// A condition [on extents](ask::is_of_extents).
    fn condition(&mut self, expr: &Expr) -> Value {
        let ir = self.ir;
        match expr {
            Expr::Position { constant, terms: _ } => self.dim(constant),
            Expr::Constant(scalar) => ir.i64(scalar.to_i64()),
            Expr::Compare(comparison, left, right) => {
                let predicate = match comparison {
                    Comparison::Lt => IntPredicate::LLVMIntSLT,
                    Comparison::Le => IntPredicate::LLVMIntSLE,
                    Comparison::Gt => IntPredicate::LLVMIntSGT,
                    Comparison::Ge => IntPredicate::LLVMIntSGE,
                    Comparison::Eq => IntPredicate::LLVMIntEQ,
                    Comparison::Ne => IntPredicate::LLVMIntNE,
                };
                let (left, right) = (self.condition(left), self.condition(right));
                ir.compare_int(predicate, left, right)
            }
            Expr::Binary(Binary::And, left, right) => {
                let (left, right) = (self.condition(left), self.condition(right));
                ir.binary(Opcode::LLVMAnd, left, right)
            }
            Expr::Unary(Unary::Not, operand) => {
                let operand = self.condition(operand);
                ir.binary(Opcode::LLVMXor, operand, ir.constant(ir.type_of(operand), -1))
            }
            Expr::Value(_)
            | Expr::Register(_)
            | Expr::Combine(..)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Convert(..)
            | Expr::Bits(..)
            | Expr::Shift { .. }
            | Expr::Load(..) => {
                crate::bug!("llvm", "`{}` has a condition on more than extents", self.loops.name)
            }
        }
    }

    /// Goes on only if a condition holds; the block behind.
    fn skip_unless(&self, condition: Value) -> Block {
        let [then, behind] = [(); 2].map(|()| self.ir.block(self.function));
        self.ir.branch_if(condition, then, behind);
        self.ir.position(then);
        behind
    }

    /// The value of an extent, computed in the first block.
    pub(super) fn dim(&mut self, dim: &Dim) -> Value {
        let place = self.ir.current_block();
        let value = self.dims.value(dim);
        self.ir.position(place);
        value
    }

    /// The table of extents that a nest reads.
    fn extents(&mut self, call: &Call) -> Value {
        let is_symbol = |(place, read): (usize, &Read)| {
            let Read::Product(product) = read else { return false };
            let symbol = Dim::product(product).as_symbol();
            symbol.is_some_and(|symbol| symbol.0 as usize == place)
        };
        if call.extents.iter().enumerate().all(is_symbol) {
            return self.symbols;
        }
        let value = |read: &Read| match read {
            Read::Product(product) => self.dim(&Dim::product(product)),
            Read::Variable(variable) => self.variables[variable],
        };
        let values: Vec<Value> = call.extents.iter().map(value).collect();
        self.write(self.memory.extents, 0, &values);
        self.memory.extents
    }

    /// A buffer in the list of a job: of scratch of a worker, where it is in that.
    fn word(&mut self, id: BufferId) -> Value {
        match &self.loops.buffers[id].space {
            Space::Private(offset) => self.dim(&planned(self.loops, offset.as_ref())),
            Space::Parameter(_)
            | Space::Updated(_)
            | Space::Result(_)
            | Space::Workspace(_)
            | Space::Shared(_) => self.address(id),
        }
    }

    pub(super) fn address(&self, id: BufferId) -> Value {
        match self.addresses[&id] {
            Place::Register(address) => address,
            Place::Memory(slot) => self.ir.load(self.ir.pointer(), slot, 8),
        }
    }

    /// Calls a nest, or gives its tasks to the team.
    fn run(&mut self, nest: &Nest, called: NestFunction, (call, extents): (&Call, Value)) {
        let ir = self.ir;
        let (Some(tasks), Some(task)) = (nest.tasks.as_ref(), called.task) else {
            return self.call(called.function, call, &[extents]);
        };
        let shared = nest.shared();
        let (iterations, multiple, block) = match shared.as_slice() {
            [alone] => (alone.extent.clone(), alone.width(), alone.extent.clone()),
            several => {
                let inside = several[1..].iter().fold(Dim::from(1), |all, it| all * groups(it));
                (groups(several[0]) * inside.clone(), 1, inside)
            }
        };
        let [iterations, whole, front, block] =
            [&iterations, &tasks.whole, &tasks.front, &block].map(|dim| self.dim(dim));
        let iterations = ir.intrinsic("llvm.smax", &[ir.int(64)], &[iterations, ir.i64(0)]);
        let words = [iterations, ir.i64(i64::from(multiple)), whole, front, block];
        if let Some(runner) = self.runner {
            let job = self.job(call, (task, extents), words);
            return ir.call(runner, &[self.team, job]);
        }
        let [asks, hands_out, alone, behind] = [(); 4].map(|()| ir.block(self.function));
        ir.branch_if(ir.is_null(self.team), alone, asks);
        ir.position(asks);
        ir.branch_if(is_small(ir, self.team, whole), alone, hands_out);
        ir.position(hands_out);
        self.write_private();
        let job = self.job(call, (task, extents), words);
        ir.call_pointer(ir.load(ir.pointer(), self.team, 8), &[self.team, job]);
        ir.branch(behind);
        ir.position(alone);
        self.call(called.function, call, &[extents, ir.i64(0), iterations]);
        ir.branch(behind);
        ir.position(behind);
    }

    /// Calls the function of a nest for its buffers and what it takes besides.
    fn call(&self, function: Function, call: &Call, rest: &[Value]) {
        let buffers = call.buffers.iter().map(|id| self.address(*id));
        self.ir.call(function, &buffers.chain(rest.iter().copied()).collect::<Vec<_>>());
    }

    /// Writes where scratch of workers is, which is the same in every job.
    fn write_private(&mut self) {
        let ir = self.ir;
        let (private, stride) = (self.loops.workspace.clone(), self.loops.private.clone());
        let (private, stride) = (self.dim(&private), self.dim(&stride));
        let private = ir.element_address(ir.int(8), self.workspace, private);
        self.write(self.memory.job, PRIVATE, &[private, stride]);
    }

    /// Writes the rest of a job.
    fn job(&mut self, call: &Call, (task, extents): (Function, Value), words: [Value; 5]) -> Value {
        let Memory { list, job, .. } = self.memory;
        let arguments: Vec<Value> = call.buffers.iter().map(|id| self.word(*id)).collect();
        self.write(list, 0, &[arguments, vec![extents]].concat());
        self.write(job, TASK, &[self.ir.address_of(task), list]);
        self.write(job, ITERATIONS, &words);
        job
    }

    /// Writes numbers and addresses into memory, one behind the other.
    fn write(&self, memory: Value, first: i64, words: &[Value]) {
        for (at, word) in (first..).zip(words) {
            let slot = self.ir.element_address(self.ir.int(64), memory, self.ir.i64(at));
            self.ir.store(*word, slot, 8);
        }
    }
}

// Note [Many nests]
// -----------------
// Where nests are few, their arguments go through registers, and what a call costs is some nanoseconds.
// Where they are many, what the entry point holds in registers would be moved to the stack and back around every call,
// and the allocation of registers in one long function takes more time than its share of the code. So addresses stay in memory,
// every nest with tasks is called as a job, and one small function decides whether the caller does it alone.
