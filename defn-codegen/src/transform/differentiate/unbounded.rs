//! A loop that runs while a condition holds, and its linear part.
//!
//! ```text
//! before                                          after
//! %0: (f32) = repeat s, w times=while .. {        %0: ..     the same with snapshots, see [`snapshots`](mod@super::snapshots)
//!   condition(i, s, w), body(i, s, w)             %1: (f32, f32) = repeat s, d_s, w, d_w times=while .. {
//! }                                                 condition(i, s, d_s, w, d_w), body(i, s, d_s, w, d_w)
//!                                                 }
//! ```
//!
//! How often it runs is known to nobody before it has run, so that nothing can be collected. The linear part carries the values again
//! beside their tangents; what transposes it finds the loop itself in there ([`Unbounded::of`]).
//! So the linear part has the tangents of all floats, in order, also of those that do not move.

use crate::graph::{Graph, Keep, NodeId, Op, Repeat, TensorType, Times};

use super::body::{Input, extract, graft};
use super::linearize::{Linear, Moving, Operand, linearize};
use super::{Draft, Mode, snapshots};

/// A loop that runs while a condition holds, without tangents.
pub(super) struct Unbounded {
    /// The loop.
    pub(super) repeat: Repeat,
    /// The states that have tangents.
    pub(super) states: Vec<usize>,
    /// The operands behind the states that have tangents, counted from the last state.
    pub(super) rest: Vec<usize>,
}

/// Adds the loop with its snapshots, and gives its results and the linear part.
pub(super) fn split(
    draft: &mut Draft,
    repeat: &Repeat,
    operands: &[NodeId],
    moving: &Moving,
) -> (Vec<NodeId>, Linear) {
    let linear = with_tangents(repeat);
    // Found as it will be found again, so that both run the same loop.
    let found = Unbounded::of(&linear);
    let values = snapshots::run(draft, &found.repeat, operands).state;

    let states = 0..repeat.state;
    let tangents = found.states.iter().map(|state| Operand::Tangent(*state));
    let rest = repeat.state..operands.len();
    let rest_tangents = found.rest.iter().map(|operand| Operand::Tangent(repeat.state + operand));
    let value = |operand: usize| Operand::Value(operands[operand]);
    let given = states.map(value).chain(tangents).chain(rest.map(value)).chain(rest_tangents);
    let given = given.collect();
    let results = moving.results.iter().enumerate().map(|(state, moves)| {
        let place = found.states.iter().position(|other| *other == state);
        place.filter(|_| *moves).map(|place| repeat.state + place)
    });
    let results = results.collect();
    (values, Linear { op: Op::Repeat(Box::new(linear)), operands: given, results })
}

/// The loop with the tangents of all floats.
fn with_tangents(repeat: &Repeat) -> Repeat {
    let body = &repeat.body;
    let types: Vec<TensorType> =
        body.parameters[1..].iter().map(|parameter| parameter.ty.clone()).collect();
    let (state, rest) = types.split_at(repeat.state);
    let (states, rest) = (floats(state), floats(rest));
    let moving: Vec<bool> = body.parameters.iter().map(|it| it.ty.element.is_float()).collect();
    let wanted = moving[1..=repeat.state].to_vec();
    let mut inner = linearize(body, &moving, &wanted, Mode::Together);
    let parameters: Vec<Option<NodeId>> = (0..moving.len())
        .map(|position| super::body::parameter_node(inner.draft.graph(), position))
        .collect();
    // The values as the body itself computes them, without anything that tangents need.
    let nodes: Vec<NodeId> = body.results.iter().map(|result| result.node).collect();
    let mut results = graft(&mut inner.draft.builder, body, &nodes, &parameters);
    for state in &states {
        let tangent = inner.tangents[*state];
        results.push(inner.draft.or_zero(tangent, inner.values[*state]));
    }

    let count = repeat.state;
    let layout = |tangent: &dyn Fn(usize) -> Input| -> Vec<Input> {
        let values = |from: usize, to: usize| (from..=to).map(Input::Parameter);
        let inputs = values(0, count).chain(states.iter().map(|state| tangent(state + 1)));
        let inputs = inputs.chain(values(count + 1, types.len()));
        inputs.chain(rest.iter().map(|operand| tangent(count + operand + 1))).collect()
    };
    let unread = |parameter: usize| Input::Unread(types[parameter - 1].clone());
    let tangent = |parameter: usize| match inner.inputs.get(&parameter) {
        Some(node) => Input::Value(*node),
        None => unread(parameter),
    };
    let body = extract(inner.draft.graph(), &layout(&tangent), &results);
    let times = match &repeat.times {
        Times::Extent(extent) => Times::Extent(extent.clone()),
        Times::While(condition) => {
            Times::While(extract(condition, &layout(&unread), &[condition.results[0].node]))
        }
    };
    Repeat {
        times,
        state: count + states.len(),
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body,
    }
}

impl Unbounded {
    /// The loop that a linear part was made of.
    pub(super) fn of(linear: &Repeat) -> Self {
        let types: Vec<TensorType> =
            linear.body.parameters[1..].iter().map(|parameter| parameter.ty.clone()).collect();
        let (state, rest) = types.split_at(linear.state);
        let (count, rest_count) = (values(state), values(rest));
        let parameters: Vec<Input> = (0..=count)
            .chain(linear.state + 1..=linear.state + rest_count)
            .map(Input::Parameter)
            .collect();
        let part = |graph: &Graph, results: usize| {
            let results: Vec<NodeId> =
                graph.results[..results].iter().map(|result| result.node).collect();
            extract(graph, &parameters, &results)
        };
        let times = match &linear.times {
            Times::Extent(extent) => Times::Extent(extent.clone()),
            Times::While(condition) => Times::While(part(condition, 1)),
        };
        let body = part(&linear.body, count);
        let repeat = Repeat {
            times,
            state: count,
            sequences: 0,
            reverse: false,
            keep: Keep::Residuals,
            body,
        };
        Self { repeat, states: floats(&state[..count]), rest: floats(&rest[..rest_count]) }
    }
}

/// Which of these have a tangent.
fn floats(types: &[TensorType]) -> Vec<usize> {
    (0..types.len()).filter(|position| types[*position].element.is_float()).collect()
}

/// How many of these are values, if the tangents of all floats among them stand behind.
fn values(types: &[TensorType]) -> usize {
    let fits = |count: &usize| count + floats(&types[..*count]).len() == types.len();
    (0..=types.len()).find(fits).unwrap_or(types.len())
}
