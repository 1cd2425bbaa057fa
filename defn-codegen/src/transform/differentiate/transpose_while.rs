//! Cotangents through a loop that ran while a condition held: chunk by chunk, from the last to the first.
//!
//! ```text
//! before                                        after
//! %1: (f32, f32) = repeat s, d_s, ..            %2: s, steps, stride, slots    the loop with snapshots
//!   times=while .. { .. }                       %3: (f32, ..) = repeat s̄, 0, .. times=while .. {
//!                                                 c = the chunk before the one of the last run
//!                                                 s = slots[c / stride], run to the beginning of c, see [`climb`](mod@super::climb)
//!                                                 s̄, sums = those through the at most 32 steps of c
//!                                               }
//! ```
//!
//! The steps of a chunk are a loop that runs 32 times and does nothing behind the last step, so that its gradient is that of any loop.
//! The snapshots are those of the loop for the values, unless that one is part of the body of another loop: then it runs again.

use crate::graph::build::Builder;
use crate::graph::{Binary, Branch, Comparison, Dim, Graph, Keep, Node, NodeId, Op, Repeat, Times};

use super::body::{Input, extract};
use super::climb::{Snapshot, Stack, climb};
use super::linearize::{Linearized, linearize};
use super::moves::moves;
use super::snapshots::{self, CHUNK, Kept, body, body_of, call, finish, whole};
use super::transpose::{Seed, Transposition, transpose};
use super::unbounded::Unbounded;
use super::{Mode, linear_nodes};

/// What moves of a loop.
struct Moved {
    /// States with a cotangent.
    states: Vec<usize>,
    /// Operands that are the same in every run, with a cotangent; counted from the last state.
    rest: Vec<usize>,
}

impl Transposition {
    /// Gives the operands of the linear part of such a loop their cotangents.
    pub(super) fn unbounded(
        &mut self,
        node: &Node,
        linear: &Repeat,
        cotangents: &[Option<NodeId>],
    ) {
        let found = Unbounded::of(linear);
        let count = found.repeat.state;
        let (states, rest) = node.operands.split_at(linear.state);
        let (values, state_tangents) = states.split_at(count);
        let tangents = rest.len() - found.rest.len();
        let (rest, rest_tangents) = rest.split_at(tangents);
        let cotangent = |state: usize| {
            let place = found.states.iter().position(|other| *other == state);
            place.and_then(|place| cotangents[count + place])
        };
        let moved = self.moved(&found, (values, state_tangents), (rest, rest_tangents), &cotangent);

        let run = snapshots::run(&mut self.draft, &found.repeat, &[values, rest].concat());
        let kept = run.kept;
        let mut given = Vec::new();
        for state in &moved.states {
            given.push(self.draft.or_zero(cotangent(*state), values[*state]));
        }
        for operand in &moved.rest {
            given.push(self.draft.zero_like(rest[*operand]));
        }
        let moving = given.len();
        given.extend(Stack::empty(&mut self.draft, values).nodes());
        let state = given.len();
        let builder = &mut self.draft.builder;
        let chunks = chunks(builder, kept.steps);
        given.extend([chunks, kept.steps, kept.stride]);
        given.extend(kept.slots.iter().chain(rest));
        let op = Repeat {
            times: Times::While(is_left(builder, state, &given)),
            state,
            sequences: 0,
            reverse: false,
            keep: Keep::Residuals,
            body: backward(builder, &found, &moved, &given),
        };
        let shares = builder.control(Op::Repeat(Box::new(op)), &given);
        let place = |of: &[usize], it: usize| of.iter().position(|other| *other == it);
        let to_states =
            moved.states.iter().map(|it| place(&found.states, *it).map(|it| state_tangents[it]));
        let to_rest =
            moved.rest.iter().map(|it| place(&found.rest, *it).map(|it| rest_tangents[it]));
        for (tangent, share) in to_states.chain(to_rest).zip(&shares[..moving]) {
            if let Some(tangent) = tangent.filter(|tangent| self.is_linear(*tangent)) {
                self.give(tangent, *share);
            }
        }
    }

    /// What moves, if some results have a cotangent.
    fn moved(
        &self,
        found: &Unbounded,
        (states, state_tangents): (&[NodeId], &[NodeId]),
        (rest, rest_tangents): (&[NodeId], &[NodeId]),
        cotangent: &dyn Fn(usize) -> Option<NodeId>,
    ) -> Moved {
        let count = states.len();
        let mut moving = vec![false; count + rest.len()];
        for (position, tangent) in found.states.iter().zip(state_tangents) {
            moving[*position] = self.is_linear(*tangent);
        }
        for (position, tangent) in found.rest.iter().zip(rest_tangents) {
            moving[count + position] = self.is_linear(*tangent);
        }
        let wanted: Vec<bool> = (0..count).map(|state| cotangent(state).is_some()).collect();
        let (mut builder, parameters) =
            body_of(&self.draft.builder, "values", &[states, rest].concat());
        let op = Op::Repeat(Box::new(found.repeat.clone()));
        let results = builder.control(op, &parameters);
        let graph = finish(builder, &results);
        let flags = moves(&graph, &moving, &wanted);
        let is_moved = |state: &usize| flags[graph.operands(results[0])[0]][*state];
        Moved {
            states: (0..count).filter(is_moved).collect(),
            rest: (0..rest.len()).filter(|it| flags[parameters[count + it]][0]).collect(),
        }
    }
}

/// How many chunks the steps are.
fn chunks(builder: &mut Builder, steps: NodeId) -> NodeId {
    let [length, last] = [CHUNK, CHUNK - 1].map(|number| whole(builder, number));
    let rounded = builder.binary(Binary::Add, steps, last);
    builder.binary(Binary::Div, rounded, length)
}

/// Whether a chunk is left.
fn is_left(around: &Builder, state: usize, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "condition", given);
    let holds = builder.compare(Comparison::Lt, parameters[0], parameters[state + 1]);
    finish(builder, &[holds])
}

/// One chunk backward: its beginning from the snapshot before it, then the cotangents through its steps.
fn backward(around: &Builder, found: &Unbounded, moved: &Moved, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "backward", given);
    let builder = &mut builder;
    let (cotangents, others) = parameters[1..].split_at(moved.states.len() + moved.rest.len());
    let (cotangents, sums) = cotangents.split_at(moved.states.len());
    let (stack, others) = others.split_at(2 + found.repeat.state);
    let (numbers, others) = others.split_at(3);
    let (slots, rest) = others.split_at(found.repeat.state);
    let kept = Kept { steps: numbers[1], stride: numbers[2], slots: slots.to_vec() };

    let one = whole(builder, 1);
    let last = builder.binary(Binary::Sub, numbers[0], one);
    let chunk = builder.binary(Binary::Sub, last, parameters[0]);
    let before = snapshot(builder, &kept, chunk);
    let stack = Stack::of(stack);
    let (state, stack) = climb(builder, &found.repeat, (&before, &stack), chunk, rest);
    let length = whole(builder, CHUNK);
    let begin = builder.binary(Binary::Mul, chunk, length);
    let arguments = [&state, [begin, kept.steps].as_slice(), rest, cotangents].concat();
    let pullback = pullback(builder, found, moved, &arguments);
    let mut results = call(builder, &pullback, &arguments);
    for (share, sum) in results[cotangents.len()..].iter_mut().zip(sums) {
        *share = builder.binary(Binary::Add, *sum, *share);
    }
    results.extend(stack.without(builder, chunk).nodes());
    finish(std::mem::take(builder), &results)
}

/// The snapshot before a chunk.
fn snapshot(builder: &mut Builder, kept: &Kept, chunk: NodeId) -> Snapshot {
    let slot = builder.binary(Binary::Div, chunk, kept.stride);
    let state = kept.slots.iter().map(|slots| builder.take(*slots, slot, 0)).collect();
    Snapshot { chunk: builder.binary(Binary::Mul, slot, kept.stride), state }
}

/// From the state at the beginning of a chunk and the cotangents at its end: the cotangents at its beginning, and what its steps give
/// to operands that are the same for all of them.
fn pullback(around: &Builder, found: &Unbounded, moved: &Moved, arguments: &[NodeId]) -> Graph {
    let count = found.repeat.state;
    let values = &arguments[..arguments.len() - moved.states.len()];
    let (mut builder, parameters) = body_of(around, "steps", values);
    let chunk = Repeat {
        times: Times::Extent(Dim::from(CHUNK)),
        state: count,
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body: guarded(&builder, found, &parameters),
    };
    let results = builder.control(Op::Repeat(Box::new(chunk)), &parameters);
    let graph = finish(builder, &results);

    let mut moving = vec![false; parameters.len()];
    let mut wanted = vec![false; count];
    for state in &moved.states {
        (moving[*state], wanted[*state]) = (true, true);
    }
    moved.rest.iter().for_each(|operand| moving[count + 2 + operand] = true);
    let Linearized { mut draft, inputs, values: _, tangents } =
        linearize(&graph, &moving, &wanted, Mode::Apart);
    let linear = linear_nodes(draft.graph(), inputs.values().copied());
    let (mut seeds, mut cotangents) = (Vec::new(), Vec::new());
    for state in &moved.states {
        let cotangent = draft.parameter("c", graph.parameters[*state].ty.clone());
        cotangents.push(Input::Value(cotangent));
        seeds.extend(tangents[*state].map(|tangent| Seed { tangent, cotangent }));
    }
    let (mut draft, found) = transpose(draft, &linear, seeds);
    let mut results = Vec::new();
    for position in moved.states.iter().copied().chain(moved.rest.iter().map(|it| count + 2 + it)) {
        let cotangent = inputs.get(&position).and_then(|input| found[input.index()]);
        results.push(cotangent.unwrap_or_else(|| draft.zero(&graph.parameters[position].ty)));
    }
    let inputs = (0..parameters.len()).map(Input::Parameter).chain(cotangents);
    let inputs: Vec<Input> = inputs.collect();
    extract(draft.graph(), &inputs, &results)
}

/// A step of a chunk that begins at a step and ends before another one: the body, or behind the end nothing.
fn guarded(around: &Builder, found: &Unbounded, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "guarded", given);
    let count = found.repeat.state;
    let (state, others) = parameters[1..].split_at(count);
    let step = builder.binary(Binary::Add, others[0], parameters[0]);
    let runs = builder.compare(Comparison::Lt, step, others[1]);
    let operands = [&[step], state, &others[2..]].concat();

    let (mut then, parameters) = body_of(&builder, "then", &operands);
    let next = call(&mut then, &found.repeat.body, &parameters);
    let then = finish(then, &next);
    let (otherwise, parameters) = body_of(&builder, "otherwise", &operands);
    let otherwise = finish(otherwise, &parameters[1..=count]);
    let op = Op::Branch(Box::new(Branch { then, otherwise }));
    let next = builder.control(op, &[&[runs], operands.as_slice()].concat());
    finish(builder, &next)
}
