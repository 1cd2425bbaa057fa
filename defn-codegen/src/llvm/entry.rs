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
//! A nest under a condition on extents is called only if that holds.
//! A nest with tasks is called as any other if there is no team, or if all its tasks together take less time than the gate of the team.
//! Otherwise the team gets a job, and returns when every task is done:
//!
//! ```text
//! team  { void (*run)(ptr team, ptr job), i64 gate }
//! job   { void (*task)(…), ptr arguments, ptr private, i64 stride,
//!         i64 iterations, i64 multiple, i64 whole, i64 front, i64 block }
//! ```
//!
//! `private` is the scratch of worker 0, which is the caller; that of worker k begins `k * stride` bytes behind it.
//! `multiple` divides the beginning of every range; `whole` is what all iterations take, `front` what every range takes besides
//! for each block of iterations that it meets, and the gate a time, all in picoseconds.
//! The runtime's `abi.rs` says the same.

use std::collections::{BTreeMap, BTreeSet};

use super::control::Open;
use super::dims::Dims;
use super::ir::{Block, Function, IntPredicate, Ir, Linkage, Opcode, Value};
use super::target;
use super::walk::{NestFunction, groups, name};
use crate::graph::{Binary, Comparison, Dim, Element, Unary};
use crate::loops::{BufferId, Expr, Loops, Space, Statement, VariableId};
use crate::options::Level;

/// The words of a job.
const JOB: usize = 9;

/// What is known in the entry point.
pub(super) struct Entry<'a, 'c> {
    pub(super) ir: &'a Ir<'c>,
    pub(super) loops: &'a Loops,
    pub(super) function: Function,
    dims: Dims<'a, 'c>,
    symbols: Value,
    workspace: Value,
    team: Value,
    pub(super) addresses: BTreeMap<BufferId, Value>,
    /// The variables of the parts that are open.
    pub(super) variables: BTreeMap<VariableId, Value>,
    /// The parts that are open, the innermost last.
    pub(super) open: Vec<Open>,
}

/// Writes the entry point.
pub(super) fn entry(ir: &Ir<'_>, loops: &Loops, level: Level, nests: &[Option<NestFunction>]) {
    let task_of = |(position, nest): (usize, &Option<NestFunction>)| {
        let nest = nest.as_ref().filter(|_| loops.nests[position].tasks.is_some())?;
        Some(task(ir, loops, level, (position, nest)))
    };
    let tasks: Vec<Option<Function>> = nests.iter().enumerate().map(task_of).collect();
    let function = ir.function("defn_entry", &[ir.pointer(); 4], Linkage::LLVMExternalLinkage);
    target::describe(ir, function, level);
    // What depends on extents alone stays in the first block, which therefore has no end yet.
    let (first, body) = (ir.block(function), ir.block(function));
    ir.position(first);
    let [buffers, symbols, workspace, team] = [0, 1, 2, 3].map(|at| ir.parameter(function, at));
    let dims = Dims::new(ir, first, symbols);
    let (addresses, open) = (BTreeMap::new(), Vec::new());
    let variables = BTreeMap::new();
    let mut entry =
        Entry { ir, loops, function, dims, symbols, workspace, team, addresses, variables, open };
    entry.find_buffers(buffers, nests);
    ir.position(body);
    for (position, nest) in nests.iter().enumerate() {
        let Some(nest) = nest else {
            entry.marker(position);
            continue;
        };
        let buffers = nest.buffers.iter().map(|id| entry.addresses[id]);
        let variables = nest.variables.iter().map(|variable| entry.variables[variable]);
        let arguments: Vec<Value> = buffers.chain([entry.symbols]).chain(variables).collect();
        let condition = match loops.nests[position].body.as_slice() {
            [Statement::If { condition, body: _ }] => entry.condition(condition),
            _ => None,
        };
        let behind = condition.map(|condition| entry.skip_unless(condition));
        match tasks[position] {
            None => ir.call(nest.function, &arguments),
            Some(task) => entry.run((position, nest), task, arguments),
        }
        if let Some(behind) = behind {
            ir.branch(behind);
            ir.position(behind);
        }
    }
    ir.return_nothing();
    ir.position(first);
    ir.branch(body);
}

/// The function that a worker calls.
fn task(
    ir: &Ir<'_>,
    loops: &Loops,
    level: Level,
    (position, nest): (usize, &NestFunction),
) -> Function {
    let (pointer, number) = (ir.pointer(), ir.int(64));
    let name = format!("{}_task", name(loops, position));
    let types = [pointer, number, number, pointer];
    let function = ir.function(&name, &types, Linkage::LLVMInternalLinkage);
    target::describe(ir, function, level);
    let block = ir.block(function);
    ir.position(block);
    let [list, begin, end, private] = [0, 1, 2, 3].map(|at| ir.parameter(function, at));
    let argument = |at: usize| {
        let slot = ir.element_address(pointer, list, ir.i64(at as i64));
        ir.load(pointer, slot, 8)
    };
    let symbols = argument(nest.buffers.len());
    let mut dims = Dims::new(ir, block, symbols);
    let buffers = nest.buffers.iter().enumerate().map(|(at, id)| match &loops.buffers[*id].space {
        Space::Private(offset) => {
            let offset = dims.value(&planned(loops, offset.as_ref()));
            ir.element_address(ir.int(8), private, offset)
        }
        Space::Parameter(_) | Space::Updated(_) | Space::Result(_) | Space::Workspace(_) => {
            argument(at)
        }
    });
    let buffers: Vec<Value> = buffers.collect();
    let variables: Vec<Value> = (0..nest.variables.len())
        .map(|at| {
            let slot = nest.buffers.len() + 1 + at;
            let slot = ir.element_address(number, list, ir.i64(slot as i64));
            ir.load(number, slot, 8)
        })
        .collect();
    ir.call(nest.function, &[buffers, vec![symbols], variables, vec![begin, end]].concat());
    ir.return_nothing();
    function
}

fn planned(loops: &Loops, offset: Option<&Dim>) -> Dim {
    let Some(offset) = offset else {
        crate::bug!("llvm", "the memory of `{}` is not planned", loops.name)
    };
    offset.clone()
}

impl Entry<'_, '_> {
    /// The address of every buffer that a nest uses.
    fn find_buffers(&mut self, buffers: Value, nests: &[Option<NestFunction>]) {
        let (ir, pointer) = (self.ir, self.ir.pointer());
        let is_parameter = |space: &Space| matches!(space, Space::Parameter(_) | Space::Updated(_));
        let all = self.loops.buffers.iter();
        let parameters = all.filter(|(_, buffer)| is_parameter(&buffer.space)).count();
        let flags = self.loops.nests.iter().filter_map(|nest| nest.control.as_ref()?.reads());
        let nests = nests.iter().flatten().flat_map(|nest| nest.buffers.iter().copied());
        let used: BTreeSet<BufferId> = nests.chain(flags).collect();
        for id in used {
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
            };
            self.addresses.insert(id, address);
        }
    }

    fn scratch(&mut self, offset: &Dim) -> Value {
        let offset = self.dims.value(offset);
        self.ir.element_address(self.ir.int(8), self.workspace, offset)
    }

    /// A condition on extents, if it is made of comparisons: whether a nest is called is decided here, and not by every worker.
    fn condition(&mut self, expr: &Expr) -> Option<Value> {
        let ir = self.ir;
        match expr {
            Expr::Position { constant, terms } if terms.is_empty() => Some(self.dim(constant)),
            Expr::Constant(scalar) if scalar.element == Element::I64 => {
                Some(ir.i64(scalar.to_i64()))
            }
            Expr::Compare(comparison, left, right) => {
                let predicate = match comparison {
                    Comparison::Lt => IntPredicate::LLVMIntSLT,
                    Comparison::Le => IntPredicate::LLVMIntSLE,
                    Comparison::Gt => IntPredicate::LLVMIntSGT,
                    Comparison::Ge => IntPredicate::LLVMIntSGE,
                    Comparison::Eq => IntPredicate::LLVMIntEQ,
                    Comparison::Ne => IntPredicate::LLVMIntNE,
                };
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                Some(ir.compare_int(predicate, left, right))
            }
            Expr::Binary(Binary::And, left, right) => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                Some(ir.binary(Opcode::LLVMAnd, left, right))
            }
            Expr::Unary(Unary::Not, operand) => {
                let operand = self.condition(operand)?;
                Some(ir.binary(Opcode::LLVMXor, operand, ir.constant(ir.type_of(operand), -1)))
            }
            Expr::Value(_)
            | Expr::Register(_)
            | Expr::Combine(..)
            | Expr::Position { .. }
            | Expr::Constant(_)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Convert(..)
            | Expr::Bits(..)
            | Expr::Shift { .. }
            | Expr::Load(..) => None,
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

    /// Calls a nest for all tasks, or gives them to the team.
    fn run(&mut self, nest: (usize, &NestFunction), task: Function, arguments: Vec<Value>) {
        let (ir, (position, NestFunction { function, .. })) = (self.ir, nest);
        let content = &self.loops.nests[position];
        let Some(tasks) = content.tasks.as_ref() else {
            crate::bug!("llvm", "a nest of `{}` has no tasks", self.loops.name)
        };
        let shared = content.shared();
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
        let [asks, hands_out, alone, behind] = [(); 4].map(|()| ir.block(self.function));
        let is_alone = ir.is_null(self.team);
        ir.branch_if(is_alone, alone, asks);
        ir.position(asks);
        let gate = ir.element_address(ir.int(64), self.team, ir.i64(1));
        let gate = ir.load(ir.int(64), gate, 8);
        let is_small = ir.compare_int(IntPredicate::LLVMIntSLT, whole, gate);
        ir.branch_if(is_small, alone, hands_out);
        ir.position(hands_out);
        let job = [iterations, ir.i64(i64::from(multiple)), whole, front, block];
        self.hand_out(job, task, &arguments);
        ir.branch(behind);
        ir.position(alone);
        let range = vec![ir.i64(0), iterations];
        ir.call(*function, &[arguments, range].concat());
        ir.branch(behind);
        ir.position(behind);
    }

    /// Gives the team a job.
    fn hand_out(&mut self, words: [Value; 5], task: Function, arguments: &[Value]) {
        let ir = self.ir;
        let (private, stride) = (self.loops.workspace.clone(), self.loops.private.clone());
        let (private, stride) = (self.dim(&private), self.dim(&stride));
        let private = ir.element_address(ir.int(8), self.workspace, private);
        let list = self.words(arguments);
        let task = ir.address_of(task);
        let job: Vec<Value> = [task, list, private, stride].into_iter().chain(words).collect();
        debug_assert_eq!(job.len(), JOB);
        let job = self.words(&job);
        let run = ir.load(ir.pointer(), self.team, 8);
        ir.call_pointer(run, &[self.team, job]);
    }

    /// Numbers and addresses in memory of the caller, one behind the other.
    fn words(&self, words: &[Value]) -> Value {
        let ir = self.ir;
        let place = ir.current_block();
        ir.position(self.dims.entry());
        let list = ir.stack(ir.array(ir.int(64), words.len()));
        ir.position(place);
        for (at, word) in words.iter().enumerate() {
            let slot = ir.element_address(ir.int(64), list, ir.i64(at as i64));
            ir.store(*word, slot, 8);
        }
        list
    }
}
