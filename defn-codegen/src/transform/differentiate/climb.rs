//! From a snapshot to the beginning of a chunk far behind it, with states kept on the way for the chunks before that one.
//!
//! ```text
//! snapshot . . . . . . . a . . . b . c chunk      the way to `chunk` keeps a, b and c; the chunks before it begin at c, then at b, …
//! ```
//!
//! What is kept is a stack, and its [`SLOTS`] are used again as soon as a chunk that begins at one is done. How far it is to the next
//! state that is kept says the binomial rule of Griewank and Walther (*Revolve*, 2000): with `f` free slots, each chunk is run at most
//! `r` times on the way to others if there are at most `C(f + r + 1, r)` of them, and then the next state is `C(f + r, r − 1)` chunks on.
//! So [`SLOTS`] chunks between two snapshots run once more each, two thousand twice, fifty thousand three times.
//!
//! In:  a builder in the body of the loop over chunks.   Out: the state at the beginning of a chunk, and the stack.
//! Never here: the cotangents.

use crate::graph::build::Builder;
use crate::graph::{
    Binary, Branch, Comparison, Element, Graph, Keep, NodeId, Op, Repeat, TensorType, Times,
};

use super::Draft;
use super::snapshots::{self, CHUNK, SLOTS, Until, body, body_of, finish, put, slots_of, whole};

/// States that are kept, with the chunks that begin with them: the last ones are nearest.
#[derive(Clone)]
pub(super) struct Stack {
    /// How many there are.
    count: NodeId,
    /// At which chunk each of them is.
    chunks: NodeId,
    /// For each state its slots.
    slots: Vec<NodeId>,
}

/// Where a way begins.
pub(super) struct Snapshot {
    /// The chunk that begins with it.
    pub(super) chunk: NodeId,
    /// The state.
    pub(super) state: Vec<NodeId>,
}

impl Stack {
    /// Nothing, of states like these.
    pub(super) fn empty(draft: &mut Draft, state: &[NodeId]) -> Self {
        let zero = |draft: &mut Draft, ty: &TensorType| draft.zero(&slots_of(ty));
        let count = draft.zero(&TensorType::scalar(Element::I64));
        let chunks = zero(draft, &TensorType::scalar(Element::I64));
        let types: Vec<TensorType> = state.iter().map(|node| draft.ty(*node)).collect();
        let slots = types.iter().map(|ty| zero(draft, ty)).collect();
        Self { count, chunks, slots }
    }

    /// As one list of values.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        [&[self.count, self.chunks], self.slots.as_slice()].concat()
    }

    /// What [`Stack::nodes`] has listed.
    pub(super) fn of(nodes: &[NodeId]) -> Self {
        Self { count: nodes[0], chunks: nodes[1], slots: nodes[2..].to_vec() }
    }

    /// The nearest state, or the snapshot if there is none.
    fn nearest(&self, builder: &mut Builder, snapshot: &Snapshot) -> Snapshot {
        let [zero, one] = [0, 1].map(|number| whole(builder, number));
        let is_empty = builder.compare(Comparison::Eq, self.count, zero);
        let last = builder.binary(Binary::Sub, self.count, one);
        let mut choose = |slots: NodeId, other: NodeId| {
            let found = builder.take(slots, last, 0);
            let shape = builder.shape(found);
            let is_empty = builder.broadcast(is_empty, &shape, &[]);
            builder.select(is_empty, other, found)
        };
        let chunk = choose(self.chunks, snapshot.chunk);
        let states = self.slots.iter().zip(&snapshot.state);
        let state = states.map(|(slots, other)| choose(*slots, *other)).collect();
        Snapshot { chunk, state }
    }

    /// Without the state at the beginning of a chunk, if that is the last one.
    pub(super) fn without(self, builder: &mut Builder, chunk: NodeId) -> Self {
        let [zero, one] = [0, 1].map(|number| whole(builder, number));
        let last = builder.binary(Binary::Sub, self.count, one);
        let found = builder.take(self.chunks, last, 0);
        let is_there = builder.compare(Comparison::Eq, found, chunk);
        let has_some = builder.compare(Comparison::Gt, self.count, zero);
        let goes = builder.binary(Binary::And, is_there, has_some);
        Self { count: builder.select(goes, last, self.count), ..self }
    }
}

/// The state at the beginning of a chunk, from the nearest one that is kept, and what is kept then.
pub(super) fn climb(
    builder: &mut Builder,
    repeat: &Repeat,
    (snapshot, stack): (&Snapshot, &Stack),
    chunk: NodeId,
    rest: &[NodeId],
) -> (Vec<NodeId>, Stack) {
    let begin = stack.nearest(builder, snapshot);
    let given = [&[begin.chunk], &begin.state[..], &stack.nodes(), &[chunk], rest].concat();
    let count = begin.state.len();
    let state = 2 * count + 3;

    let (mut inner, parameters) = body(builder, "condition", &given);
    let is_before = inner.compare(Comparison::Lt, parameters[1], parameters[1 + state]);
    let condition = finish(inner, &[is_before]);
    let op = Repeat {
        times: Times::While(condition),
        state,
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body: stage(builder, repeat, &given),
    };
    let found = builder.control(Op::Repeat(Box::new(op)), &given);
    (found[1..=count].to_vec(), Stack::of(&found[1 + count..]))
}

/// On to the next state that is kept, or to the chunk.
fn stage(around: &Builder, repeat: &Repeat, given: &[NodeId]) -> Graph {
    let (mut builder, parameters) = body(around, "stage", given);
    let count = repeat.state;
    let (at, state) = (parameters[1], &parameters[2..2 + count]);
    let stack = Stack::of(&parameters[2 + count..4 + 2 * count]);
    let (chunk, rest) = (parameters[4 + 2 * count], &parameters[5 + 2 * count..]);

    let most = whole(&mut builder, SLOTS);
    let free = builder.binary(Binary::Sub, most, stack.count);
    let left = builder.binary(Binary::Sub, chunk, at);
    let by = distance(&mut builder, left, free);
    let length = whole(&mut builder, CHUNK);
    let from = builder.binary(Binary::Mul, at, length);
    let steps = builder.binary(Binary::Mul, by, length);
    let (state, _) =
        snapshots::advance(&mut builder, repeat, (from, steps), (state, rest), Until::Limit);
    let at = builder.binary(Binary::Add, at, by);

    let is_before = builder.compare(Comparison::Lt, at, chunk);
    let operands = [&[at], state.as_slice(), &stack.nodes()].concat();
    let (mut then, parameters) = body_of(&builder, "kept", &operands);
    let (values, nodes) = parameters.split_at(1 + count);
    let stack = Stack::of(nodes);
    let one = whole(&mut then, 1);
    let kept: Vec<NodeId> = [stack.chunks].iter().chain(&stack.slots).copied().collect();
    let more = then.binary(Binary::Add, stack.count, one);
    let kept =
        kept.into_iter().zip(values).map(|(it, value)| put(&mut then, it, stack.count, *value));
    let kept: Vec<NodeId> = [more].into_iter().chain(kept.collect::<Vec<_>>()).collect();
    let then = finish(then, &kept);
    let (otherwise, parameters) = body_of(&builder, "passed", &operands);
    let otherwise = finish(otherwise, &parameters[1 + count..]);
    let op = Op::Branch(Box::new(Branch { then, otherwise }));
    let kept = builder.control(op, &[&[is_before], operands.as_slice()].concat());
    finish(builder, &[&[at], state.as_slice(), &kept].concat())
}

/// How many chunks it is to the next state that is kept, if so many are left and so many slots are free. If none is, all that are left.
fn distance(builder: &mut Builder, left: NodeId, free: NodeId) -> NodeId {
    let [zero, one] = [0, 1].map(|number| whole(builder, number));
    // Reached with r runs of each chunk, reached with one run less, r.
    let given = [one, one, zero, left, free];
    let (mut inner, parameters) = body(builder, "condition", &given);
    let zero = whole(&mut inner, 0);
    let is_short = inner.compare(Comparison::Le, parameters[1], parameters[4]);
    let some = inner.compare(Comparison::Gt, parameters[5], zero);
    let holds = inner.binary(Binary::And, is_short, some);
    let condition = finish(inner, &[holds]);

    let (mut inner, parameters) = body(builder, "more", &given);
    let one = whole(&mut inner, 1);
    let runs = inner.binary(Binary::Add, parameters[3], one);
    let factor = inner.binary(Binary::Add, parameters[5], runs);
    let factor = inner.binary(Binary::Add, factor, one);
    let product = inner.binary(Binary::Mul, parameters[1], factor);
    // The first r factors of a binomial coefficient are divisible by r.
    let reach = inner.binary(Binary::Div, product, runs);
    let more = finish(inner, &[reach, parameters[1], runs]);
    let op = Repeat {
        times: Times::While(condition),
        state: 3,
        sequences: 0,
        reverse: false,
        keep: Keep::Residuals,
        body: more,
    };
    let found = builder.control(Op::Repeat(Box::new(op)), &given);
    let zero = whole(builder, 0);
    let has_room = builder.compare(Comparison::Gt, free, zero);
    let by = builder.binary(Binary::Min, found[1], left);
    builder.select(has_room, by, left)
}
