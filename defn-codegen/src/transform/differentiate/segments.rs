//! A loop that keeps some of its states becomes a loop over segments, each of which runs once more on the way back.
//!
//! ```text
//! before                                        after, with l = root(n) and q = floor(n / l)
//! %0: (f32) = repeat s, x times=n inputs=1 {    %0: f32[q, l] = reshape x                       what is left of n behind q·l has a segment of its own
//!   graph body(i, s, x) { .. }                  %1: (f32) = repeat s, %0 times=q {
//! }                                               graph body(k, s, x: f32[l]) {
//!                                                   %0: (f32[1]) = repeat k, s, x times=1 inputs=1 {
//!                                                     graph body(_, k, s, x: f32[l]) {
//!                                                       %0: (f32) = repeat s, x times=l { .. }
//!                                                     }
//!                                                   }
//!                                                 }
//!                                               }
//! ```
//!
//! So the outer loop keeps `q` states, and while a segment is walked back, it keeps residuals of `l` runs: about two roots of `n` instead of
//! `n`, for one more run. What is halved twice has loops over segments in both, and keeps four fourth roots for three more runs.
//! (Chen, Xu, Zhang and Guestrin: *Training Deep Nets with Sublinear Memory Cost*, 2016.)
//!
//! Afterwards: what keeps inputs runs once. Every run computes what it did, in the same order.

use crate::arena::SideTable;
use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{Binary, Dim, Graph, Keep, Node, NodeId, Op, Output, Repeat, TensorType, Times};

use super::body::apply;
use super::moves::Flags;
use super::snapshots::{body, body_of, call, finish};

/// `graph` with loops over segments, if there are loops that move and are to keep inputs.
pub(super) fn segmented(graph: &Graph, moves: &Flags) -> Option<Graph> {
    let wanted = |id: NodeId| {
        let Op::Repeat(repeat) = graph.op(id) else { return false };
        let keeps = matches!(repeat.keep, Keep::Inputs { .. }) && !repeat.is_once();
        keeps && moves[id].contains(&true)
    };
    if !graph.nodes.ids().any(wanted) {
        return None;
    }
    let mut builder = Builder::head(graph);
    let mut values: SideTable<Node, Vec<NodeId>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        values[id] = if let (Op::Repeat(repeat), true) = (&node.op, wanted(id)) {
            builder.set_origin(node.origin);
            let operands: Vec<NodeId> =
                node.operands.iter().map(|operand| values[*operand][0]).collect();
            nested(&mut builder, repeat, &operands)
        } else {
            apply(&mut builder, node, &values)
        };
    }
    let results = graph.results.iter();
    let results = results
        .map(|result| Output { node: values[result.node][0], updates: result.updates })
        .collect();
    Some(builder.finish(results))
}

/// Fewer runs are no segments.
const FEW: i64 = 4;

/// The results of a loop, from a loop over segments.
fn nested(builder: &mut Builder, repeat: &Repeat, operands: &[NodeId]) -> Vec<NodeId> {
    let (Times::Extent(times), Keep::Inputs { halvings }) = (&repeat.times, repeat.keep) else {
        bug!("transform", "no loop over segments")
    };
    let keep = match halvings {
        0 | 1 => Keep::Residuals,
        more => Keep::Inputs { halvings: more - 1 },
    };
    let is_short = times.as_constant().is_some_and(|times| times < FEW);
    if is_short || halvings == 0 {
        let op = Repeat { keep: Keep::Residuals, ..repeat.clone() };
        return builder.control(Op::Repeat(Box::new(op)), operands);
    }
    let length = length(times);
    let count = times.floor_div(&length);
    let whole = count.clone() * length.clone();
    let left = times.clone() - whole.clone();
    // Runs come in order of the positions or against it; what is left comes last.
    let (first, last) = match repeat.reverse {
        false => (Dim::from(0), whole.clone()),
        true => (left.clone(), Dim::from(0)),
    };
    let (state, others) = operands.split_at(repeat.state);
    let (sequences, rest) = others.split_at(repeat.sequences);
    let elements = parts(builder, sequences, (&first, &whole), &[&count, &length]);
    let given = [state, &elements, rest].concat();
    let outer = Repeat {
        times: Times::Extent(count),
        keep,
        body: segments(builder, (repeat, keep), &given, (&first, &length)),
        ..repeat.clone()
    };
    let mut results = builder.control(Op::Repeat(Box::new(outer)), &given);
    for collected in &mut results[repeat.state..] {
        let shape = builder.shape(*collected);
        let shape: Vec<Dim> = [&whole].into_iter().chain(&shape[2..]).cloned().collect();
        *collected = builder.reshape(*collected, &shape);
    }
    if left.is(0) {
        return results;
    }
    let elements = parts(builder, sequences, (&last, &left), &[&left]);
    let start = builder.extent(last);
    let given = [&[start], &results[..repeat.state], &elements, rest].concat();
    let behind = segment(builder, (repeat, keep), &given, &left);
    let collected = results[repeat.state..].iter().zip(&behind[repeat.state..]);
    let collected: Vec<NodeId> = collected
        .map(|(whole, left)| {
            let parts = if repeat.reverse { [*left, *whole] } else { [*whole, *left] };
            builder.concat(0, &parts)
        })
        .collect();
    [&behind[..repeat.state], &collected].concat()
}

/// How many runs a segment has: the root of all, or a number near it that leaves no rest.
fn length(times: &Dim) -> Dim {
    let Some(times) = times.as_constant() else { return times.root() };
    let root = times.isqrt();
    let near = (0..root / 2).flat_map(|distance| [root + distance, root - distance]);
    let divides = |length: &i64| *length > 0 && times % length == 0;
    Dim::from(near.into_iter().find(divides).unwrap_or(root))
}

/// Some positions of the first axis of each sequence, as so many axes.
fn parts(
    builder: &mut Builder,
    sequences: &[NodeId],
    (start, size): (&Dim, &Dim),
    axes: &[&Dim],
) -> Vec<NodeId> {
    let part = |sequence: &NodeId| {
        let mut shape = builder.shape(*sequence);
        let mut starts = vec![Dim::from(0); shape.len()];
        (starts[0], shape[0]) = (start.clone(), size.clone());
        let part = builder.slice(*sequence, &starts, &shape);
        let shape: Vec<Dim> = axes.iter().copied().chain(&shape[1..]).cloned().collect();
        builder.reshape(part, &shape)
    };
    sequences.iter().map(part).collect()
}

/// The body of the loop over segments.
fn segments(
    around: &Builder,
    (repeat, keep): (&Repeat, Keep),
    given: &[NodeId],
    (first, length): (&Dim, &Dim),
) -> Graph {
    let elements = repeat.state..repeat.state + repeat.sequences;
    let (mut builder, parameters) = elements_of(around, "segments", given, elements);
    let first = builder.extent(first.clone());
    let steps = builder.extent(length.clone());
    let start = builder.binary(Binary::Mul, parameters[0], steps);
    let start = builder.binary(Binary::Add, first, start);
    let given = [&[start], &parameters[1..]].concat();
    let results = segment(&mut builder, (repeat, keep), &given, length);
    finish(builder, &results)
}

/// Runs a segment from a start, the state, elements and the rest, so that it runs once more on the way back.
fn segment(
    builder: &mut Builder,
    (repeat, keep): (&Repeat, Keep),
    given: &[NodeId],
    length: &Dim,
) -> Vec<NodeId> {
    let (mut inner, parameters) = body(builder, "segment", given);
    let (state, others) = parameters[2..].split_at(repeat.state);
    let (elements, rest) = others.split_at(repeat.sequences);
    let operands = [state, elements, &parameters[1..2], rest].concat();
    let run = Repeat {
        times: Times::Extent(length.clone()),
        keep,
        body: step(&inner, repeat, &operands),
        ..repeat.clone()
    };
    let results = inner.control(Op::Repeat(Box::new(run)), &operands);
    let once = Repeat::once(finish(inner, &results), Keep::Inputs { halvings: 1 });
    let results = builder.control(Op::Repeat(Box::new(once)), given);
    let only = |node: NodeId| {
        let shape = builder.shape(node);
        builder.reshape(node, &shape[1..])
    };
    results.into_iter().map(only).collect()
}

/// The body of the loop, at a position that is counted from the start.
fn step(around: &Builder, repeat: &Repeat, given: &[NodeId]) -> Graph {
    let elements = repeat.state..repeat.state + repeat.sequences;
    let start = elements.end;
    let (mut builder, parameters) = elements_of(around, "step", given, elements);
    let position = builder.binary(Binary::Add, parameters[1 + start], parameters[0]);
    let (before, behind) = (&parameters[1..=start], &parameters[start + 2..]);
    let results = call(&mut builder, &repeat.body, &[&[position], before, behind].concat());
    finish(builder, &results)
}

/// The body of a loop over `given`, some of which are sequences, in the making.
fn elements_of(
    around: &Builder,
    name: &str,
    given: &[NodeId],
    sequences: std::ops::Range<usize>,
) -> (Builder, Vec<NodeId>) {
    let mut types: Vec<TensorType> = given.iter().map(|node| around.ty(*node).clone()).collect();
    types[sequences].iter_mut().for_each(|ty| drop(ty.shape.remove(0)));
    let (mut builder, mut parameters) = body_of(around, name, &[]);
    parameters.push(builder.parameter("i", TensorType::scalar(crate::graph::Element::I64)));
    for (position, ty) in types.into_iter().enumerate() {
        parameters.push(builder.parameter(&format!("v{position}"), ty));
    }
    (builder, parameters)
}
