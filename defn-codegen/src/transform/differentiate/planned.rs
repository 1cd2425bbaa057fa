//! What runs again because memory is short: every counted loop, and a function in segments.
//!
//! ```text
//! before                       after, in two segments
//! %0: f32[n] = sin x           %0: (f32[1, n]) = repeat x times=1 inputs=1 { sin, exp }
//! %1: f32[n] = exp %0          %1: f32[n] = project, reshape
//! %2: f32[n] = tanh %1         %2: f32[n] = tanh %1                       what comes last would run again at once
//! %3: f32 = reduce.add %2      %3: f32 = reduce.add %2
//! ```
//!
//! Segments hold about the same number of elements, and end near there where the least is alive.
//! Never here: whether it helps, which only the memory plan of the whole tells.

use std::collections::BTreeSet;

use crate::arena::SideTable;
use crate::graph::build::Builder;
use crate::graph::{Element, Graph, Keep, Node, NodeId, Op, Output, Repeat, TensorType, Times};
use crate::program::Plan;

use super::body::{Input, apply, extract};
use super::residuals::size;

/// `graph` with what a plan says, if it says anything.
pub(in crate::transform) fn planned(graph: &Graph, plan: Plan) -> Option<Graph> {
    if plan == Plan::default() {
        return None;
    }
    let mut graph = graph.clone();
    if plan.halvings > 0 {
        graph = halved(&graph, plan.halvings);
    }
    if plan.segments > 1 {
        graph = in_segments(&graph, plan.segments);
    }
    Some(graph)
}

/// A loop that keeps residuals.
fn is_counted(repeat: &Repeat) -> bool {
    let keeps = matches!((&repeat.times, repeat.keep), (Times::Extent(_), Keep::Residuals));
    keeps && !repeat.is_once()
}

/// The same where loops keep inputs that kept residuals; of loops in loops those outside, whose bodies would be written out for each
/// loop over segments.
fn halved(graph: &Graph, halvings: u32) -> Graph {
    let mut other = graph.clone();
    for id in graph.nodes.ids() {
        if !graph.op(id).is_control() {
            continue;
        }
        let op = graph.op(id);
        let op = if let Op::Repeat(repeat) = op
            && is_counted(repeat)
        {
            let keep = Keep::Inputs { halvings };
            Op::Repeat(Box::new(Repeat { keep, ..Repeat::clone(repeat) }))
        } else {
            op.with_bodies(|body| halved(body, halvings))
        };
        other.nodes[id].op = op;
    }
    other
}

/// The same in so many segments, of which all but the last run again.
fn in_segments(graph: &Graph, segments: usize) -> Graph {
    let cuts = cuts(graph, segments);
    let mut builder = Builder::head(graph);
    let mut values: SideTable<Node, Vec<NodeId>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter().filter(|(_, node)| is_leaf(&node.op)) {
        values[id] = apply(&mut builder, node, &values);
    }
    let mut begin = 0;
    for end in cuts {
        segment(&mut builder, graph, &mut values, (begin, end));
        begin = end;
    }
    for (id, node) in graph.nodes.iter().skip(begin).filter(|(_, node)| !is_leaf(&node.op)) {
        values[id] = apply(&mut builder, node, &values);
    }
    let results = graph.results.iter();
    let results = results
        .map(|result| Output { node: values[result.node][0], updates: result.updates })
        .collect();
    builder.finish(results)
}

/// The nodes between two positions as a body that keeps what goes in.
fn segment(
    builder: &mut Builder,
    graph: &Graph,
    values: &mut SideTable<Node, Vec<NodeId>>,
    (begin, end): (usize, usize),
) {
    let is_inside = |id: NodeId| (begin..end).contains(&id.index()) && !is_leaf(graph.op(id));
    let mut given: BTreeSet<NodeId> = BTreeSet::new();
    let mut results: BTreeSet<NodeId> = BTreeSet::new();
    for (id, node) in graph.nodes.iter() {
        for operand in &node.operands {
            let is_made_inside = matches!(graph.op(*operand), Op::Constant(_) | Op::Extent(_));
            match (is_inside(id), is_inside(*operand)) {
                (true, false) if !is_made_inside => drop(given.insert(*operand)),
                (false, true) => drop(results.insert(*operand)),
                (true, false | true) | (false, false) => {}
            }
        }
    }
    results.extend(graph.results.iter().map(|result| result.node).filter(|id| is_inside(*id)));
    let results: Vec<NodeId> = results.into_iter().collect();
    if results.is_empty() {
        return;
    }
    let position = Input::Unread(TensorType::scalar(Element::I64));
    let inputs = given.iter().map(|node| Input::Value(*node));
    let inputs: Vec<Input> = [position].into_iter().chain(inputs).collect();
    let body = extract(graph, &inputs, &results);
    let operands: Vec<NodeId> = given.iter().map(|node| values[*node][0]).collect();
    let once = Repeat::once(body, Keep::Inputs { halvings: 1 });
    let collected = builder.control(Op::Repeat(Box::new(once)), &operands);
    for (result, collected) in results.into_iter().zip(collected) {
        values[result] = vec![builder.reshape(collected, graph.shape(result))];
    }
}

/// Where segments end, in order; the last one ends with the graph.
fn cuts(graph: &Graph, segments: usize) -> Vec<usize> {
    let alive = alive(graph);
    let sizes: Vec<f64> = graph
        .nodes
        .iter()
        .map(|(_, node)| if is_leaf(&node.op) { 0.0 } else { node.types.iter().map(size).sum() })
        .collect();
    let all: f64 = sizes.iter().sum();
    let mut before = 0.0;
    let mut best: Vec<Option<(f64, usize)>> = vec![None; segments];
    for (position, own) in sizes.iter().enumerate() {
        // How many segments lie before, in parts of one: what is within a quarter of a whole number may be a cut.
        let parts = if all > 0.0 { before / all * segments as f64 } else { 0.0 };
        let whole = parts.round();
        let is_near = (parts - whole).abs() <= 0.25 && whole >= 1.0 && whole < segments as f64;
        let splits = matches!(graph.op(NodeId::new(position)), Op::Project(_));
        if is_near && !splits {
            let known = &mut best[whole as usize];
            if known.is_none_or(|(least, _)| alive[position] < least) {
                *known = Some((alive[position], position));
            }
        }
        before += own;
    }
    best.into_iter().flatten().map(|(_, position)| position).collect()
}

/// For each position how many elements are computed in front of it and read behind it.
fn alive(graph: &Graph) -> Vec<f64> {
    let count = graph.nodes.len();
    let mut last: Vec<usize> = (0..count).collect();
    for (id, node) in graph.nodes.iter() {
        node.operands.iter().for_each(|operand| last[operand.index()] = id.index());
    }
    graph.results.iter().for_each(|result| last[result.node.index()] = count);
    let mut changes = vec![0.0; count + 2];
    for (id, node) in graph.nodes.iter().filter(|(_, node)| !is_leaf(&node.op)) {
        let own: f64 = if node.op.is_control() { 0.0 } else { node.types.iter().map(size).sum() };
        changes[id.index() + 1] += own;
        changes[last[id.index()] + 1] -= own;
    }
    let mut sum = 0.0;
    changes
        .into_iter()
        .map(|change| {
            sum += change;
            sum
        })
        .collect()
}

/// What is there anyway, wherever it is read.
fn is_leaf(op: &Op) -> bool {
    matches!(op, Op::Parameter(_) | Op::Constant(_) | Op::Extent(_))
}
