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
mod control;
mod places;

use std::collections::BTreeMap;

use crate::arena::{Arena, SideTable};
use crate::graph::{Dim, Element, Node, NodeId, Op, TensorType};
use crate::kernels::{self, Kernel, Kernels, Step};
use crate::loops::{Buffer, BufferId, Expr, Loops, Nest, Space, Statement, VariableId};

use control::{Given, Row};
use emit::Emitter;

/// Lowers kernels to scalar loop nests.
pub fn lower(kernels: &Kernels) -> Loops {
    let mut lowering = Lowering::new(kernels);
    let mut nests = lowering.all_nests();
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
    /// Stored nodes that are a row of a larger buffer.
    rows: BTreeMap<NodeId, Given>,
    /// Where the parameters are, in a body.
    given: Option<Vec<Given>>,
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
            rows: BTreeMap::new(),
            given: None,
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
        lowering.share_homes(&parameters);
        lowering.give_temporaries();
        lowering
    }

    /// For a body inside of what `around` lowers; its buffers and names go on from there.
    fn of_body(kernels: &'k Kernels, given: &[Given], around: &mut Lowering<'_>) -> Self {
        Self {
            kernels,
            buffers: std::mem::take(&mut around.buffers),
            homes: SideTable::new(&kernels.graph.nodes, None),
            rows: BTreeMap::new(),
            given: Some(given.to_vec()),
            updates: Vec::new(),
            names: around.names,
        }
    }

    /// A buffer for every stored node that has none.
    fn give_temporaries(&mut self) {
        let graph = &self.kernels.graph;
        for (id, node) in graph.nodes.iter() {
            let has_place = self.homes[id].is_some()
                || self.rows.contains_key(&id)
                || matches!(node.op, Op::Parameter(_))
                || node.op.is_control();
            if self.kernels.stored[id] && !has_place {
                self.homes[id] = Some(self.temporary(id));
            }
        }
    }

    fn all_nests(&mut self) -> Vec<Nest> {
        let kernels = self.kernels;
        kernels.kernels.iter().flat_map(|kernel| self.nests(kernel)).collect()
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
        if let [Step::Control(node)] = kernel.steps.as_slice() {
            return self.control(*node);
        }
        let tables = empty_tables(self.kernels, kernel);
        debug_assert!(tables.len() < 2, "fusion keeps tables that may be empty apart");
        let Some(filled) = tables.first() else {
            return vec![Nest::new(self.kernel(kernel, false))];
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
            body: self.kernel(kernel, false),
        };
        let empty = Statement::If {
            condition: compare(crate::graph::Comparison::Eq),
            body: self.kernel(kernel, true),
        };
        vec![Nest::new(vec![normal]), Nest::new(vec![empty])]
    }

    fn kernel(&mut self, kernel: &Kernel, tables_are_empty: bool) -> Vec<Statement> {
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
        let copy = |(from, to): (BufferId, BufferId)| {
            let ty = TensorType::new(self.buffers[from].element, self.buffers[from].shape.clone());
            self.copy_row(&Row::whole(from), &Row::whole(to), &ty)
        };
        updates.into_iter().map(copy).collect()
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
