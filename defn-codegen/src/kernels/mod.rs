//! Groups of nodes that become one launch each.
//!
//! A [`Kernels`] is a graph together with the list of its kernels, in an order in which every kernel runs after those it reads from.
//! A node is *stored* if its value gets a buffer; all other nodes are computed where they are used.
//!
//! ```text
//! kernels softmax {
//!   kernel 0 rows=[n] {
//!     reduce %0 columns=[m]
//!     keep   %3 columns=[m]
//!     reduce %4 columns=[m]
//!     store  %6 columns=[m]
//!   }
//! }
//! ```

pub mod reshape;
pub mod print;
pub mod verify;

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};

/// A graph and its kernels.
#[derive(Clone, Debug)]
pub struct Kernels {
    /// The nodes.
    pub graph: Graph,
    /// Whether a node has a buffer of its own. Parameters always have.
    pub stored: SideTable<Node, bool>,
    /// In order of execution.
    pub kernels: Vec<Kernel>,
    /// For each node that runs bodies the kernels of those, in the order of [`Op::bodies`].
    pub bodies: BTreeMap<NodeId, Vec<Kernels>>,
}

/// What runs over one space of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The extents of the rows. Every step is executed once for each row.
    pub rows: Vec<Dim>,
    /// In order of execution.
    pub steps: Vec<Step>,
}

/// One thing that a kernel does for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Computes a reduction or a contraction, whose result axes are the rows; it stays in a register, and is written if it is stored.
    Reduce(NodeId),
    /// Computes a node for each row and column, and writes it to its buffer.
    Store {
        /// What is stored.
        node: NodeId,
        /// Which of its axes is each axis of the row; the others are the columns.
        rows: Vec<usize>,
    },
    /// Computes a node into scratch of one row, for the steps behind it.
    Keep {
        /// What is kept.
        node: NodeId,
        /// Which of its axes is each axis of the row; the others are the columns.
        rows: Vec<usize>,
    },
    /// Writes operand `operand` of a stored `concat` or `pad` into its region; for operand 1 of `pad`, the whole.
    Region {
        /// The `concat` or `pad`.
        node: NodeId,
        /// Which operand.
        operand: usize,
    },
    /// Copies operand 0 of a stored `add_at` and adds the updates.
    Scatter(NodeId),
    /// Walks along the axis of a stored `scan`, for all its other axes.
    Scan(NodeId),
    /// Puts the elements of a stored `sort` or `argsort` in order, for all other axes.
    Sort(NodeId),
    /// Runs the bodies of a `repeat` or a `branch`, whose results have buffers.
    Control(NodeId),
}

impl Step {
    /// The node that the step computes, or a part of it.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Reduce(node)
            | Self::Scatter(node)
            | Self::Scan(node)
            | Self::Sort(node)
            | Self::Control(node) => *node,
            Self::Store { node, rows: _ }
            | Self::Keep { node, rows: _ }
            | Self::Region { node, operand: _ } => *node,
        }
    }
}

/// The axes of a node that are no rows.
pub fn column_axes(graph: &Graph, node: NodeId, rows: &[usize]) -> Vec<usize> {
    (0..graph.ty(node).rank()).filter(|axis| !rows.contains(axis)).collect()
}

/// The extents that a step runs over for each row.
pub fn step_columns(graph: &Graph, step: &Step) -> Vec<Dim> {
    let shape = |node: &NodeId| graph.shape(*node);
    match step {
        Step::Control(_) => Vec::new(),
        Step::Reduce(node) => columns(graph, *node),
        Step::Store { node, rows } | Step::Keep { node, rows } => {
            let shape = shape(node);
            column_axes(graph, *node, rows).into_iter().map(|axis| shape[axis].clone()).collect()
        }
        Step::Scatter(node)
        | Step::Scan(node)
        | Step::Sort(node)
        | Step::Region { node, operand: _ } => shape(node).to_vec(),
    }
}

/// The extents that a reduction runs over.
pub fn columns(graph: &Graph, root: NodeId) -> Vec<Dim> {
    let operand = graph.operands(root)[0];
    let shape = graph.shape(operand);
    if let Op::Reduce { combine: _, axes } = graph.op(root) {
        return axes.iter().map(|axis| shape[*axis].clone()).collect();
    }
    let Op::Contract { batch: _, contracted } = graph.op(root) else { return Vec::new() };
    shape[shape.len() - contracted..].to_vec()
}

/// Where a value stands if it is part of another one without gaps: in which, and behind how many of its elements.
/// Only what has a buffer whatever the grouping is has parts.
pub fn part(graph: &Graph, node: NodeId) -> (NodeId, Dim) {
    let (mut base, mut before) = (node, Dim::from(0));
    while let [operand] = *graph.operands(base) {
        if let Op::Slice { starts } = graph.op(base) {
            let (whole, seen) = (graph.shape(operand), graph.shape(base));
            if starts.is_empty() || whole[1..] != seen[1..] {
                break;
            }
            let row = whole[1..].iter().fold(Dim::from(1), |size, dim| size * dim.clone());
            before = before + starts[0].clone() * row;
        } else if *graph.op(base) != Op::Reshape {
            break;
        }
        base = operand;
    }
    let op = graph.op(base);
    let has_buffer = matches!(op, Op::Parameter(_) | Op::Project(_)) || op.assembles();
    if has_buffer { (base, before) } else { (node, Dim::from(0)) }
}

/// What stands in memory for an operand of what runs bodies. The initial state is computed where the state will be; all others are read
/// where they are.
pub fn given(graph: &Graph, control: NodeId, position: usize) -> NodeId {
    let operand = graph.operands(control)[position];
    let is_state = !matches!(graph.op(control), Op::Repeat(repeat) if position >= repeat.state);
    if is_state { operand } else { part(graph, operand).0 }
}

/// The extent of a table that elements are taken from, if it may be 0: then the table must not be read.
pub fn uncertain_table(graph: &Graph, node: NodeId) -> Option<Dim> {
    let Op::Take { batch } = graph.op(node) else { return None };
    let extent = &graph.shape(graph.operands(node)[0])[*batch];
    (!extent.is_surely_positive()).then(|| extent.clone())
}
