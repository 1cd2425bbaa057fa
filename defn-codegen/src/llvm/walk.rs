//! The walk over a function: one function for each nest, and what is known at a place.
//!
//! In:  [`Loops`].   Out: a module, before any pass.
//!
//! ```text
//! void defn_entry(…)                                                        see [`entry`](super::entry)
//! void defn_softmax_0(ptr noalias x, …, ptr extents)                        one nest: its buffers, each apart from all others
//! void defn_softmax_1(ptr noalias x, …, ptr extents, i64 begin, i64 end)    a nest with tasks, and which of them
//! ```
//!
//! A nest is a function of its own because only parameters can say `noalias`, and because register allocation is then per nest.
//! Nests that are [`alike`](super::alike) share it.

use std::collections::{BTreeMap, BTreeSet};

use inkwell::context::Context;
use inkwell::module::Module;

use super::ahead::Ahead;
use super::device::{Task, Team};
use super::dims::{Dims, Symbols};
use super::extremes::extremes;
use super::ir::{Block, Function, Ir, Linkage, Value};
use super::parts::{Functions, Part};
use super::transposed::Staged;
use super::{entry, target};
use crate::graph::{Combine, Dim, Element};
use crate::loops::{BufferId, For, Loops, RegisterId, ValueId, VariableId};
use crate::options::Level;

/// A value and what it is: a scalar that is the same in every lane, or one value for each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    pub(super) raw: Value,
    pub(super) element: Element,
    /// 1 for the same in every lane.
    pub(super) lanes: u32,
}

/// A register: a place on the stack, which LLVM promotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register {
    pub(super) slot: Value,
    pub(super) element: Element,
    /// How many parts it has here: on a host all, on a device those of a thread.
    pub(super) lanes: u32,
    /// How many it has in all.
    pub(super) parts: u32,
    /// Whether it was declared outside of the lanes: then what the inactive lanes hold will be seen.
    pub(super) outlives: bool,
    /// Where a mask stands that tells of NaN, if the register passes over it: see [`extremes`](super::extremes).
    pub(super) seen: Option<Value>,
}

/// The group of lanes that executes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) variable: VariableId,
    /// How many lanes it has.
    pub(super) lanes: u32,
    /// How many of them are executed here: on a host all, on a device those of a thread.
    pub(super) width: u32,
    /// In the last group: which lanes are active.
    pub(super) active: Option<Active>,
}

/// The active lanes of the last group: the first `count`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) mask: Value,
    /// As `i64`, at least 1.
    pub(super) count: Value,
}

/// Who executes a nest.
pub(super) enum Processor {
    /// A thread of a host.
    Host(Level),
    /// A team of threads of a device.
    Device(Team),
}

impl Processor {
    /// The level, if it is a host.
    pub(super) fn level(&self) -> Option<Level> {
        match self {
            Self::Host(level) => Some(*level),
            Self::Device(_) => None,
        }
    }
}

/// What is known at a place in a nest.
pub(super) struct Walk<'a, 'c> {
    pub(super) ir: &'a Ir<'c>,
    pub(super) loops: &'a Loops,
    pub(super) processor: Processor,
    pub(super) function: Function,
    /// Stays open until the end: extents and stack places are made there.
    pub(super) entry: Block,
    pub(super) dims: Dims<'a, 'c>,
    pub(super) buffers: BTreeMap<BufferId, Value>,
    /// `i64`; of the variable of lanes, the value of the first lane.
    pub(super) variables: BTreeMap<VariableId, Value>,
    pub(super) values: BTreeMap<ValueId, Typed>,
    pub(super) registers: BTreeMap<RegisterId, Register>,
    /// Registers whose folds pass over NaN.
    pub(super) extremes: BTreeSet<RegisterId>,
    pub(super) group: Option<Group>,
    /// What is fetched for the next row.
    pub(super) ahead: Option<Ahead>,
    /// Loads that were done for a whole block of steps.
    pub(super) staged: Vec<Staged>,
    /// Which tasks are executed, until the loop is met that they are iterations of; none for all.
    pub(super) range: Option<Range<'a>>,
    /// The task of the team, until all shared loops are met.
    pub(super) task: Option<Task<'a>>,
    /// Folds that all threads of the team did for a statement that one of them executes.
    pub(super) combined: BTreeMap<(Combine, RegisterId), Typed>,
    /// Stack places where lanes meet memory one by one: by bytes of an element and lanes.
    pub(super) stages: BTreeMap<(usize, u32, u32), Value>,
}

/// A range of tasks: iterations of the loops that a nest shares.
#[derive(Clone)]
pub(super) struct Range<'a> {
    /// The shared loops that are not met yet, outermost first. Of one alone the iterations are counted,
    /// of several the groups of lanes in each.
    pub(super) loops: Vec<&'a For>,
    pub(super) begin: Value,
    pub(super) end: Value,
}

/// How often a shared loop runs, if a group of lanes is one iteration.
pub(super) fn groups(shared: &For) -> Dim {
    let width = Dim::from(i64::from(shared.width()));
    (shared.extent.clone() + width.clone() - Dim::from(1)).floor_div(&width)
}

/// The function of nests that are alike.
#[derive(Clone, Copy)]
pub(super) struct NestFunction {
    pub(super) function: Function,
    /// What a worker calls, if it has tasks.
    pub(super) task: Option<Function>,
}

/// The module of a part of a function.
pub(super) fn module<'c>(
    context: &'c Context,
    functions: &Functions<'_>,
    part: &Part,
    level: Level,
) -> Module<'c> {
    let user = &functions.loops.name;
    let ir = Ir::new(context, user);
    let linkage = if *part == functions.whole() { Linkage::Internal } else { Linkage::Hidden };
    let declare = |position: usize| {
        declare(&ir, &functions.functions[position], &name(user, position), linkage)
    };
    let here: Vec<NestFunction> = part.functions.clone().map(declare).collect();
    for (declared, position) in here.iter().zip(part.functions.clone()) {
        nest(&ir, &functions.functions[position], level, *declared);
    }
    if part.has_entry {
        let elsewhere = part.functions.end..functions.functions.len();
        let all: Vec<NestFunction> = here.into_iter().chain(elsewhere.map(declare)).collect();
        entry::entry(&ir, functions, level, &all);
    }
    ir.into_module()
}

/// The name of the function of a nest.
pub(super) fn name(user: &str, position: usize) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric();
    let user: String =
        user.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    format!("defn_{user}_{position}")
}

/// The function of a nest, alone in its loops, and that of its tasks, without their bodies.
fn declare(ir: &Ir<'_>, loops: &Loops, name: &str, linkage: Linkage) -> NestFunction {
    let tasks = &loops.nests[0].tasks;
    let mut types = vec![ir.pointer(); loops.buffers.len() + 1];
    types.extend(tasks.iter().flat_map(|_| [ir.int(64); 2]));
    let function = ir.function(name, &types, linkage);
    let task = tasks.as_ref().map(|_| entry::declare_task(ir, name, linkage));
    NestFunction { function, task }
}

/// Writes the function of a nest, alone in its loops, and that of its tasks.
fn nest(ir: &Ir<'_>, loops: &Loops, level: Level, declared: NestFunction) {
    let NestFunction { function, task } = declared;
    let nest = &loops.nests[0];
    let addresses = loops.buffers.len() + 1;
    target::describe(ir, function, level);
    // Registers that do not fit are kept on the stack, and one that crosses two lines of the cache costs several.
    ir.align_stack(function, level.register_bytes());
    // The entry point stays small, and a profile shows which nest takes the time.
    ir.attribute(function, None, "noinline");
    for index in 0..addresses {
        ir.attribute(function, Some(index), "noalias");
    }
    let entry = ir.block(function);
    let extents = ir.parameter(function, addresses - 1);
    let ids = loops.buffers.ids().enumerate();
    let buffers = ids.map(|(index, id)| (id, ir.parameter(function, index))).collect();
    let range = nest.tasks.as_ref().map(|_| Range {
        loops: nest.shared(),
        begin: ir.parameter(function, addresses),
        end: ir.parameter(function, addresses + 1),
    });
    let mut walk = Walk {
        ir,
        loops,
        processor: Processor::Host(level),
        function,
        entry,
        dims: Dims::new(ir, entry, Symbols::Table(extents)),
        buffers,
        variables: BTreeMap::new(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        extremes: extremes(nest, level),
        group: None,
        ahead: None,
        staged: Vec::new(),
        range,
        task: None,
        combined: BTreeMap::new(),
        stages: BTreeMap::new(),
    };
    let body = ir.block(function);
    ir.position(body);
    walk.statements(&nest.body);
    ir.return_nothing();
    ir.position(entry);
    ir.branch(body);
    if let Some(task) = task {
        entry::task(ir, loops, level, (task, function));
    }
}

impl Walk<'_, '_> {
    /// The level of a host.
    pub(super) fn level(&self) -> Level {
        let level = self.processor.level();
        level.unwrap_or_else(|| crate::bug!("llvm", "a device has no level"))
    }

    /// The value of an extent, computed once at the entry of the function.
    pub(super) fn dim(&mut self, dim: &Dim) -> Value {
        let place = self.ir.current_block();
        let value = self.dims.value(dim);
        self.ir.position(place);
        value
    }

    /// A place on the stack.
    pub(super) fn stack(&self, element: Element, lanes: u32) -> Value {
        let place = self.ir.current_block();
        let slot = self.ir.stack(self.entry, self.ir.vector(self.ir.element(element), lanes));
        self.ir.position(place);
        slot
    }

    /// The lanes that execute: 1 outside of lanes.
    pub(super) fn width(&self) -> u32 {
        self.group.map_or(1, |group| group.width)
    }
}
