//! The walk over a function: one function for each nest, and what is known at a place.
//!
//! In:  [`Loops`].   Out: a module, before any pass.
//!
//! ```text
//! void defn_entry(…)                                                        see [`entry`](super::entry)
//! void defn_softmax_0(ptr noalias x, …, ptr symbols)                        one nest: its buffers, each apart from all others
//! void defn_softmax_1(ptr noalias x, …, ptr symbols, i64 begin, i64 end)    a nest with tasks, and which of them
//! ```
//!
//! A nest is a function of its own because only parameters can say `noalias`, and because register allocation is then per nest.

use std::collections::{BTreeMap, BTreeSet};

use inkwell::context::Context;
use inkwell::module::Module;

use super::ahead::Ahead;
use super::dims::Dims;
use super::ir::{Block, Function, Ir, Linkage, Value};
use super::transposed::Staged;
use super::{entry, target};
use crate::graph::{Dim, Element};
use crate::loops::{
    BufferId, Expr, For, Loops, Nest, RegisterId, Statement, ValueId, VariableId, visit,
};
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
    pub(super) lanes: u32,
    /// Whether it was declared outside of the lanes: then what the inactive lanes hold will be seen.
    pub(super) outlives: bool,
}

/// The group of lanes that executes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) variable: VariableId,
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

/// What is known at a place in a nest.
pub(super) struct Walk<'a, 'c> {
    pub(super) ir: &'a Ir<'c>,
    pub(super) loops: &'a Loops,
    pub(super) level: Level,
    pub(super) function: Function,
    /// Stays open until the end: extents and stack places are made there.
    pub(super) entry: Block,
    pub(super) dims: Dims<'a, 'c>,
    pub(super) buffers: BTreeMap<BufferId, Value>,
    /// `i64`; of the variable of lanes, the value of the first lane.
    pub(super) variables: BTreeMap<VariableId, Value>,
    pub(super) values: BTreeMap<ValueId, Typed>,
    pub(super) registers: BTreeMap<RegisterId, Register>,
    pub(super) group: Option<Group>,
    /// What is fetched for the next row.
    pub(super) ahead: Option<Ahead>,
    /// Loads that were done for a whole block of steps.
    pub(super) staged: Vec<Staged>,
    /// Which tasks are executed, until the loop is met that they are iterations of; none for all.
    pub(super) range: Option<Range<'a>>,
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

/// A nest as a function, and what it takes: the addresses of its buffers, of the symbols, and if it has tasks, which of them.
pub(super) struct NestFunction {
    pub(super) function: Function,
    pub(super) buffers: Vec<BufferId>,
    /// The variables of the markers around that it uses; they stand behind the symbols.
    pub(super) variables: Vec<VariableId>,
}

/// The module of a function.
pub(super) fn module<'c>(context: &'c Context, loops: &Loops, level: Level) -> Module<'c> {
    let ir = Ir::new(context, &loops.name);
    let function = |(position, content): (usize, &Nest)| {
        content.control.is_none().then(|| nest(&ir, loops, level, (position, content)))
    };
    let nests: Vec<Option<NestFunction>> = loops.nests.iter().enumerate().map(function).collect();
    entry::entry(&ir, loops, level, &nests);
    ir.into_module()
}

/// The name of the function of a nest.
pub(super) fn name(loops: &Loops, position: usize) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric();
    let user: String =
        loops.name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    format!("defn_{user}_{position}")
}

/// The function of a nest, and the buffers that are its parameters.
fn nest<'l>(
    ir: &Ir<'_>,
    loops: &'l Loops,
    level: Level,
    (position, nest): (usize, &'l Nest),
) -> NestFunction {
    let mut used = BTreeSet::new();
    visit::addresses(&nest.body, &mut |buffer, _, _| {
        used.insert(buffer);
    });
    let used: Vec<BufferId> = used.into_iter().collect();
    let addresses = used.len() + 1;
    let variables = free_variables(&nest.body);
    let mut types = vec![ir.pointer(); addresses];
    types.extend(variables.iter().map(|_| ir.int(64)));
    types.extend(nest.tasks.iter().flat_map(|_| [ir.int(64); 2]));
    let function = ir.function(&name(loops, position), &types, Linkage::LLVMInternalLinkage);
    target::describe(ir, function, level);
    // Registers that do not fit are kept on the stack, and one that crosses two lines of the cache costs several.
    ir.align_stack(function, level.register_bytes());
    // The entry point stays small, and a profile shows which nest takes the time.
    ir.attribute(function, None, "noinline");
    for index in 0..addresses {
        ir.attribute(function, Some(index), "noalias");
    }
    let entry = ir.block(function);
    let symbols = ir.parameter(function, used.len());
    let buffers =
        used.iter().enumerate().map(|(index, id)| (*id, ir.parameter(function, index))).collect();
    let range = nest.tasks.as_ref().map(|_| Range {
        loops: nest.shared(),
        begin: ir.parameter(function, addresses + variables.len()),
        end: ir.parameter(function, addresses + variables.len() + 1),
    });
    let around = variables.iter().enumerate();
    let around = around.map(|(at, variable)| (*variable, ir.parameter(function, addresses + at)));
    let mut walk = Walk {
        ir,
        loops,
        level,
        function,
        entry,
        dims: Dims::new(ir, entry, symbols),
        buffers,
        variables: around.collect(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        group: None,
        ahead: None,
        staged: Vec::new(),
        range,
        stages: BTreeMap::new(),
    };
    let body = ir.block(function);
    ir.position(body);
    walk.statements(&nest.body);
    ir.return_nothing();
    ir.position(entry);
    ir.branch(body);
    NestFunction { function, buffers: used, variables }
}

/// The variables that statements use and do not declare.
fn free_variables(body: &[Statement]) -> Vec<VariableId> {
    let (mut used, mut declared) = (BTreeSet::new(), BTreeSet::new());
    let mut terms = |terms: &[(VariableId, Dim)]| used.extend(terms.iter().map(|(it, _)| *it));
    visit::addresses(body, &mut |_, address, _| terms(&address.terms));
    visit::statements(body, &mut |statement| {
        if let Statement::For(inner) = statement {
            declared.insert(inner.variable);
            inner.clip.iter().for_each(|clip| terms(&clip.terms));
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                if let Expr::Position { constant: _, terms: position } = expr {
                    terms(position);
                }
            });
        });
    });
    used.difference(&declared).copied().collect()
}

impl Walk<'_, '_> {
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
        self.ir.position(self.entry);
        let slot = self.ir.stack(self.ir.vector(self.ir.element(element), lanes));
        self.ir.position(place);
        slot
    }

    /// The lanes that execute: 1 outside of lanes.
    pub(super) fn width(&self) -> u32 {
        self.group.map_or(1, |group| group.width)
    }
}
