//! The operations of the language, written from primitives.
//!
//! In: tensors with named axes.   Out: tensors with named axes, or the mistake of whoever asked.
//!
//! ```text
//! softmax(x: Tensor<f32, batch, features>, features)
//!
//! m = max(x, features)        every line is again an operation of this folder,
//! e = exp(x - m)              down to nodes that `graph::build` adds
//! y = e / sum(e, features)
//! ```
//!
//! Names live here and above; the graph knows positions only. Nothing here knows tokens, and nothing adds a node but through
//! [`Builder`]. Element types never change silently; extents that are not provably equal are different;
//! only order and divisibility become checks on entry.

mod axes;
mod align;
mod wide;
mod arithmetic;
mod functions;
mod reduce;
mod position;
mod scan;
mod sort;
mod contract;
mod linear;
mod movement;
mod slice;
mod window;
mod join;
mod index;
mod put;
mod create;
mod determinant;
mod literal;
mod random;
mod gamma;
mod solve;

pub use align::{Aligned, align};
pub use arithmetic::{Logic, arithmetic, compare, logic, logical_not, neg, select};
pub use axes::{Axis, AxisRef, axes, axis, length, relate, show, show_dim, show_type};
pub use contract::{dot, dot_pairs};
pub use create::{eye, full, iota, like};
pub use determinant::{det, logdet};
pub use functions::{Method, clamp, convert, hypot, maximum, minimum, mul_add, pow, power, unary};
pub use gamma::{
    beta, chi_square, dirichlet, gamma, log_gamma, log_gamma_slope, smallest, student_t,
};
pub use index::{add_at, at, take};
pub use join::{concat, pad, reverse, roll, stack};
pub use linear::cholesky;
pub use literal::{Literal, literal};
pub use movement::{broadcast, front, merge, name, order, rename, reorder, split};
pub use position::{argmax, argmin};
pub use put::{Place, put};
pub use random::{
    Draw, bernoulli, bits, categorical, exponential, fold_in, gumbel, key, normal, permutation,
    randint, shuffle, split_key, split_key_in_two, truncated_normal, uniform,
};
pub use reduce::{all, any, count, logsumexp, max, mean, min, product, softmax, sum, variance};
pub use scan::{cummax, cummin, cumprod, cumsum};
pub use slice::{Bound, slice};
pub use solve::{inverse, inverses, solutions, solve};
pub use sort::{argsort, sort, top_k};
pub use window::{Slide, window};

use crate::diagnostic::Mistake;
use crate::graph::build::Builder;
use crate::graph::{Dim, Element, NodeId};

/// What an operation answers.
pub type Result<T> = std::result::Result<T, Mistake>;

/// A value: a node and the names of its axes. Extents and elements stand in the type of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What computes it.
    pub node: NodeId,
    /// One for each axis; none for an axis without a name.
    pub names: Vec<Option<String>>,
}

impl Tensor {
    /// A node with its names.
    pub fn new(node: NodeId, names: Vec<Option<String>>) -> Self {
        Self { node, names }
    }

    /// A tensor of rank 0.
    pub fn scalar(node: NodeId) -> Self {
        Self { node, names: Vec::new() }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.names.len()
    }

    /// The type of the elements.
    pub fn element(&self, b: &Builder) -> Element {
        b.ty(self.node).element
    }

    /// The extents.
    pub fn shape(&self, b: &Builder) -> Vec<Dim> {
        b.shape(self.node)
    }

    /// The position of the axis of this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own.as_deref() == Some(name))
    }

    /// The same names for another node of the same rank.
    fn with(&self, node: NodeId) -> Self {
        Self { node, names: self.names.clone() }
    }

    /// The names without those of `axes`.
    fn names_without(&self, axes: &[usize]) -> Vec<Option<String>> {
        let kept = self.names.iter().enumerate().filter(|(position, _)| !axes.contains(position));
        kept.map(|(_, name)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod values;
