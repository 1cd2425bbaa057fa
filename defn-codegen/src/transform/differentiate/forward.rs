//! Values and tangents together: what runs bodies carries both.
//!
//! ```text
//! before                                        after
//! %0: (f32) = repeat s times=n .. {             %0: (f32, f32) = repeat s, d_s times=n .. {
//!   graph body(i: i64, s: f32) -> f32 {           graph body(i: i64, s: f32, d_s: f32) -> (f32, f32) {
//!     %0: f32 = sin s                               %0: f32 = sin s
//!     return %0                                     %1: f32 = cos s
//!   }                                               %2: f32 = mul d_s, %1
//! }                                                 return %0, %2
//!                                                 }
//!                                               }
//! ```
//!
//! Nothing is kept for later, so that a loop that runs while a condition holds has tangents too.

use crate::bug;
use crate::graph::{Branch, Graph, NodeId, Op, Repeat, Times};

use super::body::{Input, extract};
use super::linearize::{Linearized, Moving, linearize};
use super::{Draft, Mode, repeat};

/// Adds a node that runs bodies with their tangents: its values, and the tangents of these.
pub(super) fn together(
    draft: &mut Draft,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
    moving: &Moving,
) -> (Vec<NodeId>, Vec<Option<NodeId>>) {
    if let Op::Branch(branch) = op {
        self::branch(draft, branch, operands, tangents, moving)
    } else if let Op::Repeat(repeat) = op {
        self::repeat(draft, repeat, operands, tangents, moving)
    } else {
        bug!("transform", "{op:?} runs no bodies")
    }
}

fn branch(
    draft: &mut Draft,
    branch: &Branch,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
    moving: &Moving,
) -> (Vec<NodeId>, Vec<Option<NodeId>>) {
    let moved: Vec<usize> =
        (1..operands.len()).filter(|operand| moving.operands[*operand]).collect();
    let side = |body: &Graph| {
        let mut inner = linearize(body, &moving.operands[1..], &moving.results, Mode::Together);
        let mut results = inner.values.clone();
        for position in positions(&moving.results) {
            let tangent = inner.tangents[position];
            results.push(inner.draft.or_zero(tangent, inner.values[position]));
        }
        let all = (0..body.parameters.len()).map(Input::Parameter);
        let moved = moved.iter().map(|operand| tangent(&inner, operand - 1));
        let inputs: Vec<Input> = all.chain(moved).collect();
        extract(inner.draft.graph(), &inputs, &results)
    };
    let op = Branch { then: side(&branch.then), otherwise: side(&branch.otherwise) };
    let moved: Vec<NodeId> =
        moved.iter().map(|operand| draft.or_zero(tangents[*operand], operands[*operand])).collect();
    let operands = [operands, &moved].concat();
    let mut values = draft.builder.control(Op::Branch(Box::new(op)), &operands);
    let mut found = values.split_off(moving.results.len()).into_iter();
    let tangents = moving.results.iter().map(|moves| moves.then(|| found.next()).flatten());
    (values, tangents.collect())
}

fn repeat(
    draft: &mut Draft,
    repeat: &Repeat,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
    moving: &Moving,
) -> (Vec<NodeId>, Vec<Option<NodeId>>) {
    let parameters = repeat::parameters(repeat, moving);
    let mut inner = linearize(&repeat.body, &parameters, &moving.results, Mode::Together);
    let (roots, results) = repeat::tangents(&mut inner, repeat.state, moving);
    let moved = positions(&parameters[1..]);
    let carried = moved.iter().filter(|operand| **operand < repeat.state).count();

    let inputs = interleaved(repeat, operands.len(), &moved, Input::Parameter(0), |operand| {
        (Input::Parameter(operand + 1), tangent(&inner, operand + 1))
    });
    let (next, collected) = inner.values.split_at(repeat.state);
    let given = [next, &roots[..carried], collected, &roots[carried..]].concat();
    let body = extract(inner.draft.graph(), &inputs, &given);
    let times = match &repeat.times {
        Times::Extent(extent) => Times::Extent(extent.clone()),
        Times::While(condition) => {
            let first = Input::Parameter(0);
            let inputs = interleaved(repeat, operands.len(), &moved, first, |operand| {
                let ty = condition.parameters[operand + 1].ty.clone();
                (Input::Parameter(operand + 1), Input::Unread(ty))
            });
            Times::While(extract(condition, &inputs, &[condition.results[0].node]))
        }
    };
    let first = operands[0];
    let operands = interleaved(repeat, operands.len(), &moved, first, |operand| {
        (operands[operand], draft.or_zero(tangents[operand], operands[operand]))
    });
    let is_sequence =
        |operand: &&usize| (repeat.state..repeat.state + repeat.sequences).contains(*operand);
    let sequences = repeat.sequences + moved.iter().filter(is_sequence).count();
    let state = repeat.state + carried;
    let op = Op::Repeat(Box::new(Repeat { times, state, sequences, body, ..repeat.clone() }));
    let found = draft.builder.control(op, &operands[1..]);

    let (next, collected) = found.split_at(state);
    let (next, next_tangents) = next.split_at(repeat.state);
    let (collected, collected_tangents) = collected.split_at(moving.results.len() - repeat.state);
    let tangents = [next_tangents, collected_tangents].concat();
    let tangents = results.into_iter().map(|result| result.map(|result| tangents[result]));
    ([next, collected].concat(), tangents.collect())
}

/// The state and its tangents, then sequences and theirs, then the rest; behind `first`.
fn interleaved<T>(
    repeat: &Repeat,
    operands: usize,
    moved: &[usize],
    first: T,
    mut pair: impl FnMut(usize) -> (T, T),
) -> Vec<T> {
    let bounds = [0, repeat.state, repeat.state + repeat.sequences, operands];
    let mut found = vec![first];
    for bounds in bounds.windows(2) {
        let mut behind = Vec::new();
        for operand in bounds[0]..bounds[1] {
            if moved.contains(&operand) {
                let (value, tangent) = pair(operand);
                found.push(value);
                behind.push(tangent);
            } else {
                found.push(pair(operand).0);
            }
        }
        found.append(&mut behind);
    }
    found
}

/// The tangent of a parameter as an input.
fn tangent(inner: &Linearized, parameter: usize) -> Input {
    match inner.inputs.get(&parameter) {
        Some(node) => Input::Value(*node),
        None => Input::Unread(inner.draft.graph().parameters[parameter].ty.clone()),
    }
}

fn positions(flags: &[bool]) -> Vec<usize> {
    (0..flags.len()).filter(|position| flags[*position]).collect()
}
