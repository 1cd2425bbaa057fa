//! A loop becomes a loop that keeps what its linear part needs, and a linear loop over tangents behind it.
//!
//! ```text
//! before                                            after
//! graph f<n>(s: f32, x: f32[n]) -> f32 {            graph f<n>(s: f32, x: f32[n], d_s: f32) -> f32 {
//!   %0: (f32) = repeat s, x times=n .. {              %0: (f32, f32[n]) = repeat s, x times=n .. {
//!     graph body(i: i64, s: f32, x: f32) -> f32 {       graph body(i: i64, s: f32, x: f32) -> (f32, f32) {
//!       %0: f32 = add s, x                                %0: f32 = add s, x
//!       %1: f32 = tanh %0                                 %1: f32 = tanh %0
//!       return %1                                         return %1, %1
//!     }                                                 }
//!   }                                                 }
//!   %1: f32 = project %0 index=0                      %1: f32 = project %0 index=0
//!   return %1                                         %2: f32[n] = project %0 index=1
//! }                                                   %3: (f32) = repeat d_s, %2 times=n .. {
//!                                                       graph body(i: i64, d_s: f32, v2: f32) -> f32 {
//!                                                         d_s · (1 − v2)(1 + v2)
//!                                                       }
//!                                                     }
//!                                                     return %1
//!                                                   }
//! ```
//!
//! What is collected is decided in [`residuals`](mod@super::residuals). States that do not move have no tangent.
//! Afterwards: the linear loop has tangents as its whole state, reads values only as sequences and from outside, and can be transposed.

use crate::graph::{Graph, NodeId, Op, Repeat, TensorType};

use super::body::{Input, extract, graft};
use super::linearize::{Linear, Linearized, Moving, Operand, linearize};
use super::residuals::{Residuals, Role, residuals};
use super::{Draft, Mode, linear_nodes};

/// A linear loop in the making: parameters of its body, and what they are given.
#[derive(Default)]
struct Inputs {
    state: Vec<(Input, Operand)>,
    sequences: Vec<(Input, Operand)>,
    rest: Vec<(Input, Operand)>,
}

/// Adds the loop that keeps residuals, and gives its results and the linear loop.
pub(super) fn split(
    draft: &mut Draft,
    repeat: &Repeat,
    operands: &[NodeId],
    moving: &Moving,
) -> (Vec<NodeId>, Linear) {
    let parameters = parameters(repeat, moving);
    let mut inner = linearize(&repeat.body, &parameters, &moving.results, Mode::Apart);
    let (roots, results) = tangents(&mut inner, repeat.state, moving);
    let linear = linear_nodes(inner.draft.graph(), inner.inputs.values().copied());
    let kept =
        residuals(inner.draft.graph(), &roles(repeat, operands.len()), &linear, &roots, true);

    let count = repeat.body.parameters.len();
    let all: Vec<Input> = (0..count).map(Input::Parameter).collect();
    let values = [inner.values.as_slice(), &kept.collected].concat();
    let body = extract(inner.draft.graph(), &all, &values);
    let op = Op::Repeat(Box::new(Repeat { body, ..repeat.clone() }));
    let mut values = draft.builder.control(op, operands);
    let collected = values.split_off(inner.values.len());

    let inputs = inputs(draft, repeat, operands, (&inner, &kept, &collected), &parameters);
    let chosen = [&inputs.state, &inputs.sequences, &inputs.rest];
    let chosen = chosen.into_iter().flatten().map(|(input, _)| input.clone());
    let chosen: Vec<Input> = [Input::Parameter(0)].into_iter().chain(chosen).collect();
    let body = extract(inner.draft.graph(), &chosen, &roots);
    let op = Op::Repeat(Box::new(Repeat {
        state: inputs.state.len(),
        sequences: inputs.sequences.len(),
        body,
        ..repeat.clone()
    }));
    let operands = [inputs.state, inputs.sequences, inputs.rest];
    let operands = operands.into_iter().flatten().map(|(_, operand)| operand).collect();
    (values, Linear { op, operands, results })
}

/// Which parameters of the body move.
pub(super) fn parameters(repeat: &Repeat, moving: &Moving) -> Vec<bool> {
    let (state, others) = (&moving.results[..repeat.state], &moving.operands[repeat.state..]);
    [&[false], state, others].concat()
}

/// The tangents that the linear body gives, those of the next state first; and for each result of the loop which one is its tangent.
/// A state that moves has one, though it may be zero.
pub(super) fn tangents(
    inner: &mut Linearized,
    state: usize,
    moving: &Moving,
) -> (Vec<NodeId>, Vec<Option<usize>>) {
    let mut roots = Vec::new();
    let mut results = Vec::new();
    for (position, moves) in moving.results.iter().enumerate() {
        let tangent = inner.tangents[position].filter(|_| *moves);
        let root = match tangent {
            None if *moves && position < state => {
                Some(inner.draft.zero_like(inner.values[position]))
            }
            tangent => tangent,
        };
        results.push(root.map(|_| roots.len()));
        roots.extend(root);
    }
    (roots, results)
}

/// What the parameters of the body are.
pub(super) fn roles(repeat: &Repeat, operands: usize) -> Vec<Role> {
    let Repeat { state, sequences, .. } = repeat;
    let rest = operands - state - sequences;
    let roles =
        [(1, Role::There), (*state, Role::State), (*sequences, Role::There), (rest, Role::Same)];
    roles.into_iter().flat_map(|(count, role)| vec![role; count]).collect()
}

fn inputs(
    draft: &mut Draft,
    repeat: &Repeat,
    operands: &[NodeId],
    (inner, kept, collected): (&Linearized, &Residuals, &[NodeId]),
    moving: &[bool],
) -> Inputs {
    let graph = inner.draft.graph();
    let mut inputs = Inputs::default();
    let last = repeat.state + repeat.sequences;
    // Parameters stand one behind their operands, because of the position.
    for (position, operand) in operands.iter().enumerate() {
        let tangent = inner.inputs.get(&(position + 1)).map(|node| Input::Value(*node));
        let value = kept.read.contains(&(position + 1));
        let value = value.then(|| (Input::Parameter(position + 1), Operand::Value(*operand)));
        if position < repeat.state {
            let ty = ty(graph, position + 1);
            let input = tangent.unwrap_or(Input::Unread(ty));
            let given = (input, Operand::Tangent(position));
            inputs.state.extend(Some(given).filter(|_| moving[position + 1]));
            continue;
        }
        let into = if position < last { &mut inputs.sequences } else { &mut inputs.rest };
        into.extend(tangent.map(|input| (input, Operand::Tangent(position))));
        into.extend(value);
    }
    let pairs = kept.collected.iter().zip(collected);
    inputs
        .sequences
        .extend(pairs.map(|(node, value)| (Input::Value(*node), Operand::Value(*value))));
    let mut arguments = vec![None; graph.parameters.len()];
    for (position, operand) in operands.iter().enumerate().skip(last) {
        arguments[position + 1] = Some(*operand);
    }
    let outside = graft(&mut draft.builder, graph, &kept.outside, &arguments);
    let pairs = kept.outside.iter().zip(outside);
    inputs.rest.extend(pairs.map(|(node, value)| (Input::Value(*node), Operand::Value(value))));
    inputs
}

fn ty(graph: &Graph, parameter: usize) -> TensorType {
    graph.parameters[parameter].ty.clone()
}
