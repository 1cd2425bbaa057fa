//! Kernels to loop nests.
//!
//! In: [`Kernels`].   Out: [`Loops`] of scalar nests: one loop for each axis, reductions in registers.
//!
//! ```text
//! before                          after
//! kernel 0 rows=[n] {             for i in 0..n parallel {
//!   reduce %0                       var $0: f32 = -inf
//!   store %2                        for j in 0..m parallel { $0 = max($0, load x[m*i + j]) }
//! }                                 for j in 0..m parallel { store r0[m*i + j] = sub(load x[m*i + j], $0) }
//!                                 }
//! ```
//!
//! Afterwards: every address is affine in the loop variables but for positions that are data.
//! `parallel` means that iterations are independent but for the folds of registers.
//! Updated parameters are computed into temporaries and copied by the last nests.
//! Never here: the order of loops, lanes, tiles (that is `schedule`), but for the lanes of a scan, which are its order of additions.

mod emit;
mod pull;
mod steps;
mod scatter;
mod overlap;
mod scan;
mod sort;
mod radix;

use std::collections::BTreeMap;

use crate::arena::{Arena, SideTable};
use crate::graph::{Dim, Element, Node, NodeId, Op};
use crate::kernels::{self, Kernel, Kernels, Step};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, Nest, Space, Statement, VariableId,
};

use emit::Emitter;

/// Lowers kernels to scalar loop nests.
pub fn lower(kernels: &Kernels) -> Loops {
    let mut lowering = Lowering::new(kernels);
    let mut nests: Vec<Nest> =
        kernels.kernels.iter().flat_map(|kernel| lowering.nests(kernel)).collect();
    nests.extend(lowering.copies());
    Loops {
        name: kernels.graph.name.clone(),
        symbols: kernels.graph.symbols.clone(),
        buffers: lowering.buffers,
        nests,
        workspace: Dim::default(),
        private: Dim::default(),
    }
}

/// What all kernels share.
struct Lowering<'k> {
    kernels: &'k Kernels,
    buffers: Arena<Buffer>,
    /// The buffer of each stored node.
    homes: SideTable<Node, Option<BufferId>>,
    /// Temporaries whose content goes to an updated parameter at the end.
    updates: Vec<(BufferId, BufferId)>,
    names: Names,
}

/// Counters for unique names.
#[derive(Clone, Copy, Debug, Default)]
struct Names {
    variables: u32,
    values: u32,
    registers: u32,
}

impl Names {
    fn variable(&mut self) -> VariableId {
        self.variables += 1;
        VariableId(self.variables - 1)
    }
}

impl<'k> Lowering<'k> {
    fn new(kernels: &'k Kernels) -> Self {
        let graph = &kernels.graph;
        let mut lowering = Self {
            kernels,
            buffers: Arena::default(),
            homes: SideTable::new(&graph.nodes, None),
            updates: Vec::new(),
            names: Names::default(),
        };
        let parameters = lowering.parameter_buffers();
        for (id, node) in graph.nodes.iter() {
            if let Op::Parameter(position) = node.op {
                lowering.homes[id] = Some(parameters[position]);
            }
        }
        let mut results = 0;
        for result in &graph.results {
            match result.updates {
                None => {
                    let buffer = lowering.buffer(
                        &format!("r{results}"),
                        result.node,
                        Space::Result(results),
                    );
                    lowering.homes[result.node] = Some(buffer);
                    results += 1;
                }
                Some(parameter) => {
                    let buffer = lowering.temporary(result.node);
                    lowering.homes[result.node] = Some(buffer);
                    lowering.updates.push((buffer, parameters[parameter]));
                }
            }
        }
        for id in graph.nodes.ids() {
            if kernels.stored[id] && lowering.homes[id].is_none() {
                lowering.homes[id] = Some(lowering.temporary(id));
            }
        }
        lowering
    }

    fn parameter_buffers(&mut self) -> Vec<BufferId> {
        let graph = &self.kernels.graph;
        let updated =
            |position: usize| graph.results.iter().any(|result| result.updates == Some(position));
        let parameters = graph.parameters.iter().enumerate();
        let buffers = parameters.map(|(position, parameter)| Buffer {
            name: parameter.name.clone(),
            element: parameter.ty.element,
            shape: parameter.ty.shape.clone(),
            lanes: 1,
            space: if updated(position) {
                Space::Updated(position)
            } else {
                Space::Parameter(position)
            },
        });
        buffers.map(|buffer| self.buffers.push(buffer)).collect()
    }

    fn buffer(&mut self, name: &str, node: NodeId, space: Space) -> BufferId {
        let ty = self.kernels.graph.ty(node).clone();
        self.buffers.push(Buffer {
            name: name.to_owned(),
            element: ty.element,
            shape: ty.shape,
            lanes: 1,
            space,
        })
    }

    fn temporary(&mut self, node: NodeId) -> BufferId {
        let name = format!("t{}", self.buffers.len());
        self.buffer(&name, node, Space::Workspace(None))
    }

    /// Scratch for one row of a kept value, in a kernel over these rows.
    fn scratch(&mut self, node: NodeId, shape: Vec<Dim>, rows: &[Dim]) -> BufferId {
        self.scratch_of(self.kernels.graph.element(node), shape, rows)
    }

    /// Scratch for what is done to one of these rows.
    fn scratch_of(&mut self, element: Element, shape: Vec<Dim>, rows: &[Dim]) -> BufferId {
        let name = format!("k{}", self.buffers.len());
        // Without rows the sweeps are the outermost loops, and what one keeps for the next is no scratch of an iteration.
        let space = if rows.is_empty() { Space::Workspace(None) } else { Space::Private(None) };
        self.buffers.push(Buffer { name, element, shape, lanes: 1, space })
    }

    fn nests(&mut self, kernel: &Kernel) -> Vec<Nest> {
        let tables = empty_tables(self.kernels, kernel);
        debug_assert!(tables.len() < 2, "fusion keeps tables that may be empty apart");
        let Some(filled) = tables.first() else {
            return vec![Nest { tasks: None, body: self.body(kernel, false) }];
        };
        // A table without elements gives zeros, and must not be read.
        let extent = |dim: Dim| Expr::Position { constant: dim, terms: Vec::new() };
        let compare = |comparison| {
            Expr::Compare(
                comparison,
                Box::new(extent(filled.clone())),
                Box::new(extent(Dim::from(0))),
            )
        };
        let normal = Statement::If {
            condition: compare(crate::graph::Comparison::Ne),
            body: self.body(kernel, false),
        };
        let empty = Statement::If {
            condition: compare(crate::graph::Comparison::Eq),
            body: self.body(kernel, true),
        };
        vec![Nest { tasks: None, body: vec![normal] }, Nest { tasks: None, body: vec![empty] }]
    }

    fn body(&mut self, kernel: &Kernel, tables_are_empty: bool) -> Vec<Statement> {
        let mut emitter = Emitter::new(self, kernel, tables_are_empty);
        match kernel.steps.as_slice() {
            [Step::Scatter(node)] => {
                if let Op::OverlapAdd(sliding) = emitter.graph().op(*node) {
                    overlap::overlap(&mut emitter, *node, sliding);
                } else {
                    scatter::scatter(&mut emitter, *node);
                }
            }
            [Step::Scan(node)] => scan::scan(&mut emitter, *node),
            [Step::Sort(node)] => sort::sort(&mut emitter, *node),
            steps => steps::steps(&mut emitter, steps),
        }
        emitter.finish()
    }

    /// Copies of updated parameters, from where they were computed.
    fn copies(&mut self) -> Vec<Nest> {
        let updates = std::mem::take(&mut self.updates);
        updates.into_iter().map(|(from, to)| self.copy(from, to)).collect()
    }

    fn copy(&mut self, from: BufferId, to: BufferId) -> Nest {
        let variable = self.names.variable();
        let mut address = Address::default();
        address.add_term(variable, &Dim::from(1));
        let expr = Expr::Load(from, Box::new(address.clone()));
        let store = Statement::Store { buffer: to, address, expr };
        let extent = self.buffers[from].size();
        Nest {
            tasks: None,
            body: vec![Statement::For(For {
                variable,
                extent,
                clip: None,
                manner: Manner::Parallel,
                body: vec![store],
            })],
        }
    }
}

/// The extents of tables that a kernel takes from and that may be empty.
fn empty_tables(kernels: &Kernels, kernel: &Kernel) -> Vec<Dim> {
    let graph = &kernels.graph;
    let mut seen = BTreeMap::new();
    let mut open: Vec<NodeId> = Vec::new();
    let mut extents = Vec::new();
    for step in &kernel.steps {
        open.push(step.node());
        seen.insert(step.node(), ());
    }
    while let Some(node) = open.pop() {
        if let Some(extent) = kernels::uncertain_table(graph, node)
            && !extents.contains(&extent)
        {
            extents.push(extent);
        }
        for operand in graph.operands(node) {
            if !kernels.stored[*operand] && seen.insert(*operand, ()).is_none() {
                open.push(*operand);
            }
        }
    }
    extents
}
