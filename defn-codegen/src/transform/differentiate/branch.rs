//! A branch becomes a branch that keeps what its linear part needs, and a linear branch over tangents behind it.
//!
//! ```text
//! before                                     after
//! %0: (f32) = branch c, x {                  %0: (f32, f32) = branch c, x {
//!   graph then(x: f32) -> f32 {                graph then(x: f32) -> (f32, f32) {
//!     %0: f32 = exp x                            %0: f32 = exp x
//!     return %0                                  return %0, %0
//!   }                                          }
//!   graph otherwise(x: f32) -> f32 {           graph otherwise(x: f32) -> (f32, f32) {
//!     return x                                   %0: f32 = constant 0.0
//!   }                                            return x, %0
//! }                                            }
//!                                            }
//!                                            %1: (f32) = branch c, d_x, %0.1 {
//!                                              graph then(d_x: f32, v1: f32) -> f32 { d_x · v1 }
//!                                              graph otherwise(d_x: f32, v1: f32 unused) -> f32 { d_x }
//!                                            }
//! ```
//!
//! The side that does not run gives zeros, and both sides keep theirs in the same place where the types agree.

use std::collections::BTreeSet;

use crate::graph::{Branch, Graph, NodeId, Op, TensorType};

use super::body::{Input, extract};
use super::linearize::{Linear, Linearized, Moving, Operand, linearize};
use super::residuals::{Residuals, Role, residuals};
use super::{Draft, Mode, linear_nodes};

/// One side with its tangents.
struct Side {
    inner: Linearized,
    /// For each tangent of the branch the one of this side.
    roots: Vec<NodeId>,
    kept: Residuals,
}

/// Adds the branch that keeps residuals, and gives its results and the linear branch.
pub(super) fn split(
    draft: &mut Draft,
    branch: &Branch,
    operands: &[NodeId],
    moving: &Moving,
) -> (Vec<NodeId>, Linear) {
    let (sides, results) = sides(branch, moving);
    let places = places(&sides);
    let read: BTreeSet<usize> = sides.iter().flat_map(|side| side.kept.read.clone()).collect();
    let moved: BTreeSet<usize> =
        sides.iter().flat_map(|side| side.inner.inputs.keys().copied()).collect();

    let [then, otherwise] = sides.map(|mut side| {
        let value = side.with_residuals(&places);
        (value, side.linear(&moved, &read, &places))
    });
    let op = Op::Branch(Box::new(Branch { then: then.0, otherwise: otherwise.0 }));
    let mut values = draft.builder.control(op, operands);
    let collected = values.split_off(moving.results.len());

    // Parameters of the sides stand one before their operands, because of the condition.
    let moved = moved.into_iter().map(|parameter| Operand::Tangent(parameter + 1));
    let read = read.into_iter().map(|parameter| Operand::Value(operands[parameter + 1]));
    let operands = [Operand::Value(operands[0])].into_iter().chain(moved).chain(read);
    let operands = operands.chain(collected.into_iter().map(Operand::Value)).collect();
    let op = Op::Branch(Box::new(Branch { then: then.1, otherwise: otherwise.1 }));
    (values, Linear { op, operands, results })
}

/// Both sides with their tangents, and for each result which of these is its tangent.
fn sides(branch: &Branch, moving: &Moving) -> ([Side; 2], Vec<Option<usize>>) {
    let mut inner = [&branch.then, &branch.otherwise]
        .map(|body| linearize(body, &moving.operands[1..], &moving.results, Mode::Apart));
    let mut results = Vec::new();
    let mut roots = [Vec::new(), Vec::new()];
    for (position, moves) in moving.results.iter().enumerate() {
        let moves = *moves && inner.iter().any(|side| side.tangents[position].is_some());
        results.push(moves.then_some(roots[0].len()));
        if moves {
            for (side, roots) in inner.iter_mut().zip(&mut roots) {
                let value = side.values[position];
                roots.push(side.draft.or_zero(side.tangents[position], value));
            }
        }
    }
    let [then, otherwise] = inner;
    let [then_roots, otherwise_roots] = roots;
    ([Side::new(then, then_roots, branch), Side::new(otherwise, otherwise_roots, branch)], results)
}

/// The types of what is kept: as few as both sides can share.
fn places(sides: &[Side; 2]) -> Vec<TensorType> {
    let mut places: Vec<TensorType> = Vec::new();
    for side in sides {
        let mut free: Vec<TensorType> = places.clone();
        for node in &side.kept.collected {
            let ty = side.inner.draft.ty(*node);
            match free.iter().position(|place| *place == ty) {
                Some(place) => drop(free.remove(place)),
                None => places.push(ty),
            }
        }
    }
    places
}

impl Side {
    fn new(inner: Linearized, roots: Vec<NodeId>, branch: &Branch) -> Self {
        let graph = inner.draft.graph();
        let roles = vec![Role::There; branch.then.parameters.len()];
        let linear = linear_nodes(graph, inner.inputs.values().copied());
        let kept = residuals(graph, &roles, &linear, &roots, false);
        Self { inner, roots, kept }
    }

    /// What stands in each place: what this side keeps, or nothing.
    fn placed(&self, places: &[TensorType]) -> Vec<Option<NodeId>> {
        let mut left: Vec<NodeId> = self.kept.collected.clone();
        let place = |ty: &TensorType| {
            let found = left.iter().position(|node| self.inner.draft.ty(*node) == *ty);
            found.map(|position| left.remove(position))
        };
        places.iter().map(place).collect()
    }

    /// The side with what it keeps as results.
    fn with_residuals(&mut self, places: &[TensorType]) -> Graph {
        let mut results = self.inner.values.clone();
        for (kept, ty) in self.placed(places).into_iter().zip(places) {
            results.push(kept.unwrap_or_else(|| self.inner.draft.zero(ty)));
        }
        let count = self.inner.draft.graph().parameters.len() - self.inner.inputs.len();
        let inputs: Vec<Input> = (0..count).map(Input::Parameter).collect();
        extract(self.inner.draft.graph(), &inputs, &results)
    }

    /// The linear side: tangents, values that are read again, what was kept.
    fn linear(
        &self,
        moved: &BTreeSet<usize>,
        read: &BTreeSet<usize>,
        places: &[TensorType],
    ) -> Graph {
        let graph = self.inner.draft.graph();
        let tangent = |parameter: &usize| match self.inner.inputs.get(parameter) {
            Some(node) => Input::Value(*node),
            None => Input::Unread(graph.parameters[*parameter].ty.clone()),
        };
        let kept = self.placed(places).into_iter().zip(places);
        let kept = kept.map(|(node, ty)| node.map_or(Input::Unread(ty.clone()), Input::Value));
        let inputs = moved.iter().map(tangent).chain(read.iter().copied().map(Input::Parameter));
        let inputs: Vec<Input> = inputs.chain(kept).collect();
        extract(graph, &inputs, &self.roots)
    }
}
