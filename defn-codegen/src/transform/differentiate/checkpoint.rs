//! A body that runs once more on the way back, instead of keeping what its linear part needs.
//!
//! ```text
//! before                                     after
//! %0: (f32[1]) = repeat x times=1 ..         %0: (f32[1]) = repeat x times=1 ..    as it was
//!   inputs=1 {                               ...
//!   graph body(i, x: f32) -> f32 {           %9: (f32[1]) = repeat x, x̄, c times=1 .. again {
//!     %0: f32 = sin x                          graph body(i, x, sum, c) -> f32 {
//!     %1: f32 = exp %0                           %0: f32 = sin x              once more
//!     return %1                                  %1: f32 = exp %0
//!   }                                            sum + c · exp(sin x) · cos x
//! }                                            }
//!                                            }
//! ```
//!
//! The order is in the data: the second run waits for the cotangent `c` of what came out. Its body is closed, so that nobody can merge
//! what it computes with what was computed before.
//! The cotangents that its operands have so far go in (`x̄`), so that sums are added up in the order that they would have without.
//! Afterwards: the linear part, which is never run, reads only what went in.

use std::collections::BTreeSet;

use crate::bug;
use crate::graph::{Keep, Node, NodeId, Op, Repeat, Times};

use super::body::{Input, extract, read};
use super::linearize::{Linear, Moving, Operand, linearize};
use super::transpose::Transposition;
use super::transpose_control::Backward;
use super::{Draft, Mode, repeat};

/// Adds the body as it is, and gives its results and the linear part, which runs it once more.
pub(super) fn split(
    draft: &mut Draft,
    once: &Repeat,
    operands: &[NodeId],
    moving: &Moving,
) -> (Vec<NodeId>, Linear) {
    if !once.is_once() {
        bug!("transform", "a loop that keeps states is no loop of loops");
    }
    let values = draft.builder.control(Op::Repeat(Box::new(once.clone())), operands);
    let parameters = repeat::parameters(once, moving);
    let mut inner = linearize(&once.body, &parameters, &moving.results, Mode::Apart);
    let (roots, results) = repeat::tangents(&mut inner, 0, moving);
    let tangents: BTreeSet<NodeId> = inner.inputs.values().copied().collect();
    let reads = read(inner.draft.graph(), &tangents, &roots);
    let mut inputs = vec![Input::Parameter(0)];
    let mut given = Vec::new();
    // Parameters stand one behind their operands, because of the position.
    for (position, operand) in operands.iter().enumerate() {
        if reads.contains(&(position + 1)) {
            inputs.push(Input::Parameter(position + 1));
            given.push(Operand::Value(*operand));
        }
        if let Some(tangent) = inner.inputs.get(&(position + 1)) {
            inputs.push(Input::Value(*tangent));
            given.push(Operand::Tangent(position));
        }
    }
    let body = extract(inner.draft.graph(), &inputs, &roots);
    let op = Op::Repeat(Box::new(Repeat::once(body, once.keep)));
    (values, Linear { op, operands: given, results })
}

impl Transposition {
    /// Gives the operands of such a linear part their cotangents.
    pub(super) fn checkpoint(&mut self, node: &Node, once: &Repeat, cotangents: &[Option<NodeId>]) {
        let operands = &node.operands;
        let linear = operands.iter().map(|operand| self.is_linear(*operand));
        let linear: Vec<bool> = [false].into_iter().chain(linear).collect();
        let given: Vec<bool> = cotangents.iter().map(Option::is_some).collect();
        let so_far = operands.iter().map(|operand| self.taken(*operand));
        let so_far: Vec<Option<NodeId>> = [None].into_iter().chain(so_far).collect();
        let goes_on: Vec<bool> = so_far.iter().map(Option::is_some).collect();
        let backward = Backward::of(&once.body, &linear, &given, &goes_on);

        let shared: Vec<usize> =
            (0..linear.len()).filter(|position| backward.share(*position).is_some()).collect();
        let results: Vec<NodeId> = shared.iter().filter_map(|it| backward.share(*it)).collect();
        let reads = backward.read(&results);
        let reads: Vec<usize> = reads.into_iter().filter(|position| *position > 0).collect();
        let mut inputs = vec![Input::Parameter(0)];
        inputs.extend(reads.iter().copied().map(Input::Parameter));
        // What nothing is added to stays outside: whoever takes a share must not need it.
        let sums = || backward.sums.iter().filter(|(position, _)| shared.contains(position));
        inputs.extend(sums().map(|(_, sum)| Input::Value(*sum)));
        inputs.extend(backward.seeds.iter().map(|(_, input)| input.clone()));
        let mut arguments: Vec<NodeId> = reads.iter().map(|it| operands[it - 1]).collect();
        arguments.extend(sums().filter_map(|(position, _)| so_far[*position]));
        arguments.extend(cotangents.iter().flatten().map(|cotangent| self.only(*cotangent)));
        let body = extract(backward.draft.graph(), &inputs, &results);
        let op = Op::Repeat(Box::new(Repeat::once(body, Keep::Again)));
        let shares = self.draft.builder.control(op, &arguments);

        for (position, so_far) in so_far.iter().enumerate().filter(|(it, _)| !shared.contains(it)) {
            if let Some(so_far) = so_far {
                self.give(operands[position - 1], *so_far);
            }
        }
        for (position, share) in shared.into_iter().zip(shares) {
            let share = self.only(share);
            self.give(operands[position - 1], share);
        }
    }

    /// The one element along the first axis.
    fn only(&mut self, collected: NodeId) -> NodeId {
        let shape = self.draft.builder.shape(collected);
        self.draft.builder.reshape(collected, &shape[1..])
    }
}

/// Whether a loop runs in another way than by keeping residuals of every run.
pub(super) fn keeps_inputs(repeat: &Repeat) -> bool {
    match (&repeat.times, repeat.keep) {
        (Times::Extent(_), Keep::Inputs { .. } | Keep::Again) => true,
        (Times::Extent(_), Keep::Residuals) | (Times::While(_), _) => false,
    }
}
