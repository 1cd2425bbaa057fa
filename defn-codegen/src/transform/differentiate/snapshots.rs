//! A loop of unknown length that keeps some of its states, so that it can be walked backward in little memory.
//!
//! ```text
//! s₀ … s₃₂ … s₆₄ …             runs in chunks of [`CHUNK`] steps; the state at the beginning of a chunk has a slot
//! slots: s₀, s₃₂, s₆₄, …       when all [`SLOTS`] are full, every other one is dropped, and from then on every other chunk has one
//! ```
//!
//! So there are at any time between half of the slots and all of them in use, and their distance is the same everywhere.
//! From the snapshot before a chunk its beginning is computed again, and from there its steps: up to `CHUNK · SLOTS` steps every chunk
//! has a snapshot. Of many more steps what lies between two snapshots is itself walked backward in little memory, and now it is known
//! how long it is: [`climb`](mod@super::climb) keeps states on the way to a chunk for those before it.

use crate::graph::build::Builder;
use crate::graph::{
    Binary, Branch, Comparison, Dim, Element, Graph, Keep, NodeId, Op, Output, Repeat, Scalar,
    TensorType, Times,
};

use super::Draft;
use super::body::graft;

/// How many steps are walked backward at once.
pub(super) const CHUNK: i64 = 32;

/// How many states are kept.
pub(super) const SLOTS: i64 = 64;

/// A loop that has run.
pub(super) struct Run {
    /// The last state.
    pub(super) state: Vec<NodeId>,
    /// What is left of the states before.
    pub(super) kept: Kept,
}

/// Snapshots of a loop.
pub(super) struct Kept {
    /// How often the body ran.
    pub(super) steps: NodeId,
    /// How many chunks lie between two snapshots.
    pub(super) stride: NodeId,
    /// For each state its snapshots.
    pub(super) slots: Vec<NodeId>,
}

/// What ends some steps of a loop before their limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Its condition.
    Condition,
    /// Nothing: it is known that it runs so often.
    Limit,
}

/// Runs a loop and keeps snapshots; one that has run already does not run again.
pub(super) fn run(draft: &mut Draft, repeat: &Repeat, operands: &[NodeId]) -> Run {
    let (state, rest) = operands.split_at(repeat.state);
    let [zero, one] = [0, 1].map(|number| draft.splat(Scalar::from_i64(Element::I64, number), &[]));
    let slots: Vec<NodeId> = state
        .iter()
        .map(|node| {
            let ty = slots_of(&draft.ty(*node));
            draft.zero(&ty)
        })
        .collect();
    let given = [state, &[zero, one], &slots, rest].concat();
    let chunks = Repeat {
        times: Times::While(goes_on(&draft.builder, repeat, &given)),
        state: 2 * state.len() + 2,
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body: chunk(&draft.builder, repeat, &given),
    };
    let mut found = draft.control_once(Op::Repeat(Box::new(chunks)), &given);
    let slots = found.split_off(state.len() + 2);
    let numbers = found.split_off(state.len());
    Run { state: found, kept: Kept { steps: numbers[0], stride: numbers[1], slots } }
}

/// The type of the snapshots of a state.
pub(super) fn slots_of(ty: &TensorType) -> TensorType {
    let shape = [Dim::from(SLOTS)].into_iter().chain(ty.shape.iter().cloned());
    TensorType::new(ty.element, shape.collect())
}

/// Whether there is another chunk: the condition after all steps so far.
fn goes_on(around: &Builder, repeat: &Repeat, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "condition", given);
    let count = repeat.state;
    let (state, rest) = (&parameters[1..=count], &parameters[2 * count + 3..]);
    let holds = condition(&mut builder, repeat, parameters[count + 1], (state, rest));
    finish(builder, &[holds])
}

/// A snapshot if it is time for one, then at most [`CHUNK`] steps.
fn chunk(around: &Builder, repeat: &Repeat, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "chunk", given);
    let count = repeat.state;
    let (number, state) = (parameters[0], &parameters[1..=count]);
    let (steps, stride) = (parameters[count + 1], parameters[count + 2]);
    let (slots, rest) = parameters[count + 3..].split_at(count);

    let zero = whole(&mut builder, 0);
    let distance = builder.binary(Binary::Rem, number, stride);
    let is_time = builder.compare(Comparison::Eq, distance, zero);
    let operands = [&[number, stride], state, slots].concat();
    let then = snapshot(&builder, count, &operands);
    let (otherwise, parameters) = body_of(&builder, "later", &operands);
    let same = [&parameters[1..2], &parameters[2 + count..]].concat();
    let otherwise = finish(otherwise, &same);
    let op = Op::Branch(Box::new(Branch { then, otherwise }));
    let kept = builder.control(op, &[&[is_time], operands.as_slice()].concat());

    let limit = whole(&mut builder, CHUNK);
    let (next, more) =
        advance(&mut builder, repeat, (steps, limit), (state, rest), Until::Condition);
    let steps = builder.binary(Binary::Add, steps, more);
    finish(builder, &[next.as_slice(), &[steps], &kept].concat())
}

/// Puts the state into the next slot. If there is none left, every other snapshot goes first.
fn snapshot(around: &Builder, count: usize, operands: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body_of(around, "snapshot", operands);
    let (number, stride) = (parameters[0], parameters[1]);
    let (state, slots) = parameters[2..].split_at(count);
    let slot = builder.binary(Binary::Div, number, stride);
    let most = whole(&mut builder, SLOTS);
    let is_full = builder.compare(Comparison::Ge, slot, most);
    let doubled = builder.binary(Binary::Add, stride, stride);
    let stride = builder.select(is_full, doubled, stride);
    let slot = builder.binary(Binary::Div, number, stride);

    let shape = [Dim::from(SLOTS)];
    let places = builder.iota(&shape, 0);
    let all_full = builder.broadcast(is_full, &shape, &[]);
    let every_other = builder.binary(Binary::Add, places, places);
    let from = builder.select(all_full, every_other, places);
    let mut results = vec![stride];
    for (value, slots) in state.iter().zip(slots) {
        let kept = builder.take(*slots, from, 0);
        results.push(put(&mut builder, kept, slot, *value));
    }
    finish(builder, &results)
}

/// Slots with a value in one of them; without it if there is no such slot.
pub(super) fn put(builder: &mut Builder, slots: NodeId, slot: NodeId, value: NodeId) -> NodeId {
    let shape = builder.shape(slots);
    let axes: Vec<usize> = (1..shape.len()).collect();
    let places = builder.iota(&shape, 0);
    let slot = builder.broadcast(slot, &shape, &[]);
    let is_here = builder.compare(Comparison::Eq, places, slot);
    let value = builder.broadcast(value, &shape, &axes);
    builder.select(is_here, value, slots)
}

/// Runs the body of a loop from step `from` on, at most `limit` times; and how often it ran.
pub(super) fn advance(
    builder: &mut Builder,
    repeat: &Repeat,
    (from, limit): (NodeId, NodeId),
    (state, rest): (&[NodeId], &[NodeId]),
    until: Until,
) -> (Vec<NodeId>, NodeId) {
    let zero = whole(builder, 0);
    let given = [state, &[zero, from, limit], rest].concat();
    let count = state.len();

    let (mut inner, parameters) = body(builder, "condition", &given);
    let mut holds = inner.compare(Comparison::Lt, parameters[0], parameters[count + 3]);
    if until == Until::Condition {
        let step = inner.binary(Binary::Add, parameters[count + 2], parameters[0]);
        let (state, rest) = (&parameters[1..=count], &parameters[count + 4..]);
        let asked = condition(&mut inner, repeat, step, (state, rest));
        holds = inner.binary(Binary::And, holds, asked);
    }
    let goes_on = finish(inner, &[holds]);

    let (mut inner, parameters) = body(builder, "step", &given);
    let step = inner.binary(Binary::Add, parameters[count + 2], parameters[0]);
    let (state, rest) = (&parameters[1..=count], &parameters[count + 4..]);
    let next = call(&mut inner, &repeat.body, &[&[step], state, rest].concat());
    let one = whole(&mut inner, 1);
    let ran = inner.binary(Binary::Add, parameters[0], one);
    let step = finish(inner, &[next.as_slice(), &[ran]].concat());

    let op = Repeat {
        times: Times::While(goes_on),
        state: count + 1,
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body: step,
    };
    let mut found = builder.control(Op::Repeat(Box::new(op)), &given);
    let ran = found.split_off(count);
    (found, ran[0])
}

/// Whether the condition holds before a step.
fn condition(
    builder: &mut Builder,
    repeat: &Repeat,
    step: NodeId,
    (state, rest): (&[NodeId], &[NodeId]),
) -> NodeId {
    let arguments = [&[step], state, rest].concat();
    match &repeat.times {
        Times::While(condition) => call(builder, condition, &arguments)[0],
        Times::Extent(extent) => {
            let end = builder.extent(extent.clone());
            builder.compare(Comparison::Lt, step, end)
        }
    }
}

/// The results of a graph for these arguments.
pub(super) fn call(builder: &mut Builder, graph: &Graph, arguments: &[NodeId]) -> Vec<NodeId> {
    let arguments: Vec<Option<NodeId>> = arguments.iter().copied().map(Some).collect();
    let results: Vec<NodeId> = graph.results.iter().map(|result| result.node).collect();
    graft(builder, graph, &results, &arguments)
}

/// A whole number.
pub(super) fn whole(builder: &mut Builder, number: i64) -> NodeId {
    builder.constant(Scalar::from_i64(Element::I64, number))
}

/// The body of a loop over `given`, in the making: its position, and a parameter for each operand.
pub(super) fn body(around: &Builder, name: &str, given: &[NodeId]) -> (Builder, Vec<NodeId>) {
    let (mut builder, mut parameters) = (empty(around, name), Vec::new());
    parameters.push(builder.parameter("i", TensorType::scalar(Element::I64)));
    for (position, node) in given.iter().enumerate() {
        parameters.push(builder.parameter(&format!("v{position}"), around.ty(*node).clone()));
    }
    (builder, parameters)
}

/// The side of a branch over `given`, in the making.
pub(super) fn body_of(around: &Builder, name: &str, given: &[NodeId]) -> (Builder, Vec<NodeId>) {
    let mut builder = empty(around, name);
    let parameters = given.iter().enumerate().map(|(position, node)| {
        builder.parameter(&format!("v{position}"), around.ty(*node).clone())
    });
    let parameters = parameters.collect();
    (builder, parameters)
}

fn empty(around: &Builder, name: &str) -> Builder {
    let symbols = around.graph().symbols.clone();
    Builder::resume(Graph { name: name.to_owned(), symbols, ..Graph::default() })
}

/// A body with its results.
pub(super) fn finish(builder: Builder, results: &[NodeId]) -> Graph {
    builder.finish(results.iter().map(|node| Output { node: *node, updates: None }).collect())
}
