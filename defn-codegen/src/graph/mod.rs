//! The typed tensor graph: what a function means.
//!
//! A [`Graph`] is a list of nodes in an order in which every operand stands before its use (static single assignment).
//! A node applies one primitive ([`Op`]) to its operands; its type says the element type and the extent of every axis.
//! Extents are expressions over the symbols of the graph ([`Dim`]); the symbols get their values from the shapes of the arguments
//! when the function is called, and [`Check`]s that could not be decided before are made then.
//! Evaluation ([`eval`]) computes nodes in order; nothing has effects.
//!
//! ```text
//! graph softmax<n, m>(x: f32[n, m]) -> f32[n, m] {
//!   %0: f32[n] = reduce.max x axes=[1]
//!   %1: f32[n, m] = broadcast %0 axes=[0]
//!   %2: f32[n, m] = sub x, %1
//!   %3: f32[n, m] = exp %2
//!   %4: f32[n] = reduce.add %3 axes=[1]
//!   %5: f32[n, m] = broadcast %4 axes=[0]
//!   %6: f32[n, m] = div %3, %5
//!   return %6
//! }
//! ```
//!
//! The five faces: the structs here, [`mod@print`], [`parse`], [`verify`], [`eval`]; beside the last stands [`bounds`],
//! which says how far a right implementation may be from it.

pub mod half;
pub mod ty;
pub mod shape;
pub mod op;
mod cost;
pub mod call;
pub mod control;
pub mod signature;
pub mod substitute;
pub mod infer;
pub mod build;
pub mod prune;
pub mod print;
pub mod parse;
pub mod verify;
pub mod eval;
pub mod bounds;
#[cfg(feature = "testing")]
pub mod arbitrary;

pub use call::{Callable, FunctionId, Rules};
pub use control::{Branch, Keep, Repeat, Times};
pub(crate) use cost::Cost;
pub use op::{Binary, Combine, Comparison, Equation, Op, Scalar, Sliding, Unary};
pub use shape::{Atom, Dim, Symbol};
pub use signature::{Signature, Solve, solve};
pub use ty::{Element, ElementKind, TensorType};

use crate::arena::{Arena, Id};
use crate::origin::Origin;

/// The position of a node in its graph.
pub type NodeId = Id<Node>;

/// One application of a primitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// What is applied.
    pub op: Op,
    /// What it is applied to; all stand before this node.
    pub operands: Vec<NodeId>,
    /// The types of the results: exactly one, but for [`Op::Call`] and what runs bodies.
    pub types: Vec<TensorType>,
    /// Where the user wrote it.
    pub origin: Origin,
}

/// A parameter: one tensor, a leaf of a parameter of the user's function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameter {
    /// The name, with the path inside a container: `p.l1.w`.
    pub name: String,
    /// The type.
    pub ty: TensorType,
    /// For a `usize` of the user, passed as an `i64` scalar: the symbol whose value it is.
    pub symbol: Option<Symbol>,
}

/// A result: one tensor, a leaf of the result of the user's function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Output {
    /// The node that computes it.
    pub node: NodeId,
    /// The parameter that it replaces in place, if that one is `&mut`.
    pub updates: Option<usize>,
}

/// What must hold of the extents, and is only known when the function is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// How the two sides relate.
    pub relation: Relation,
    /// The left side.
    pub left: Dim,
    /// The right side.
    pub right: Dim,
    /// What to tell the user if it does not hold.
    pub text: String,
}

/// A relation between two extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// left = right
    Equal,
    /// left ≤ right
    AtMost,
    /// left divides right without remainder
    Divides,
}

/// A function on tensors: see the page above.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Graph {
    /// The name of the user's function.
    pub name: String,
    /// The names of the extent symbols.
    pub symbols: Vec<String>,
    /// What is passed in. A parameter has at most one [`Op::Parameter`] node.
    pub parameters: Vec<Parameter>,
    /// Made on entry, in order.
    pub checks: Vec<Check>,
    /// In order of evaluation.
    pub nodes: Arena<Node>,
    /// What comes out.
    pub results: Vec<Output>,
}

impl Graph {
    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The primitive of a node.
    pub fn op(&self, id: NodeId) -> &Op {
        &self.nodes[id].op
    }

    /// The operands of a node.
    pub fn operands(&self, id: NodeId) -> &[NodeId] {
        &self.nodes[id].operands
    }

    /// The type of a node with one result.
    pub fn ty(&self, id: NodeId) -> &TensorType {
        let types = &self.nodes[id].types;
        debug_assert_eq!(types.len(), 1, "only calls have several results");
        &types[0]
    }

    /// The element type of a node with one result.
    pub fn element(&self, id: NodeId) -> Element {
        self.ty(id).element
    }

    /// The shape of a node with one result.
    pub fn shape(&self, id: NodeId) -> &[Dim] {
        &self.ty(id).shape
    }

    /// For each node, how many operands and results refer to it.
    pub fn uses(&self) -> crate::arena::SideTable<Node, usize> {
        let mut uses = crate::arena::SideTable::new(&self.nodes, 0);
        for (_, node) in self.nodes.iter() {
            for operand in &node.operands {
                uses[*operand] += 1;
            }
        }
        for result in &self.results {
            uses[result.node] += 1;
        }
        uses
    }
}
