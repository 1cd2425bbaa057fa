//! What is the same in every run of a loop, and dear, is computed once in front of it.
//!
//! In:  a loop with its operands, and the graph around it.   Out: the loop with more operands.
//!
//! ```text
//! before                                              after
//! %0: f32 = repeat s, w, x times=n .. {               %0: f32[8] = contract w, x batch=0 contracted=1
//!   graph body(i, s: f32, w: f32[8, 4], x: f32[4]) {  %1: f32[8] = exp %0
//!     %0: f32[8] = contract w, x batch=0 ..           %2: f32 = repeat s, %1 times=n .. {
//!     %1: f32[8] = exp %0                               graph body(i, s: f32, same: f32[8]) {
//!     %2: f32 = reduce.add %1 ..                          ..
//!     ..
//! ```
//!
//! - Dear is what reads more than it writes, is put in order, or is a function that takes as long as many additions. What is computed from it alone goes with
//!   it, as long as it does not grow: a repetition is made where it is read.
//! - It may be computed although the loop never runs: nothing stops a program, and what may not end is left inside.
//! - Hooks take the status and give it back, which changes from run to run; so they stay where they are. What is chosen stays in its branch.
//! - A body that runs again keeps all that it computes, because it is there to keep nothing.

use crate::arena::SideTable;
use crate::graph::build::Builder;
use crate::graph::prune::prune;
use crate::graph::{Cost, Graph, Keep, Node, NodeId, Op, Output, Repeat, Times};

use super::share::Sharing;

/// The loop with what it does not compute any more behind its operands; none if there is no such thing.
pub(super) fn apply(
    sharing: &mut Sharing,
    repeat: &Repeat,
    operands: &[NodeId],
) -> Option<(Repeat, Vec<NodeId>)> {
    if repeat.keep == Keep::Again {
        return None;
    }
    let condition = match &repeat.times {
        Times::While(condition) => Some(condition),
        Times::Extent(_) => None,
    };
    let mut given: Vec<NodeId> = Vec::new();
    let mut moved = |graph: &Graph| -> Moved {
        let moved = moved(graph, &same(repeat, graph));
        let found: Moved = outside(sharing, graph, operands, &moved);
        for (_, node) in &found {
            if !given.contains(node) {
                given.push(*node);
            }
        }
        found
    };
    let (of_body, of_condition) = (moved(&repeat.body), condition.map(moved));
    if given.is_empty() {
        return None;
    }
    let body = without(sharing, &repeat.body, &of_body, &given);
    let times = match (condition, of_condition) {
        (Some(condition), Some(moved)) => Times::While(without(sharing, condition, &moved, &given)),
        _ => repeat.times.clone(),
    };
    Some((Repeat { times, body, ..repeat.clone() }, [operands, &given].concat()))
}

/// Nodes of a body, and the same outside.
type Moved = Vec<(NodeId, NodeId)>;

/// What is the same in every run, and may be computed where the loop does not run.
fn same(repeat: &Repeat, graph: &Graph) -> SideTable<Node, bool> {
    let is_constant = |position: usize| {
        let is_state = (1..=repeat.state).contains(&position);
        match is_state {
            true => {
                *repeat.body.op(repeat.body.results[position - 1].node) == Op::Parameter(position)
            }
            false => position > repeat.state + repeat.sequences,
        }
    };
    let mut same = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        same[id] = if let Op::Parameter(position) = &node.op {
            is_constant(*position)
        } else {
            !stays(&node.op) && node.operands.iter().all(|operand| same[*operand])
        };
    }
    same
}

/// Whether it may not end, shows something, or is not known.
fn stays(op: &Op) -> bool {
    let itself = if let Op::Repeat(repeat) = op {
        matches!(repeat.times, Times::While(_)) || repeat.keep == Keep::Again
    } else {
        matches!(op, Op::Inspect(_) | Op::Call { .. })
    };
    let inside = |graph: &Graph| graph.nodes.iter().any(|(_, node)| stays(&node.op));
    itself || op.bodies().iter().any(|(_, body)| inside(body))
}

/// What is computed outside: of all that is the same and read by what is not, the last values that are dear or follow something dear.
fn moved(graph: &Graph, same: &SideTable<Node, bool>) -> Vec<NodeId> {
    let follows = follows(graph, same);
    let mut open: Vec<NodeId> = graph.results.iter().map(|result| result.node).collect();
    let varying = graph.nodes.iter().filter(|(id, _)| !same[*id]);
    open.extend(varying.flat_map(|(_, node)| &node.operands));
    let mut seen = SideTable::new(&graph.nodes, false);
    let mut moved = Vec::new();
    while let Some(node) = open.pop() {
        if !same[node] || std::mem::replace(&mut seen[node], true) {
            continue;
        }
        match follows[node] {
            true => moved.push(node),
            false => open.extend(graph.operands(node)),
        }
    }
    moved.sort_unstable();
    moved
}

/// What is dear, or computed from something dear without growing.
fn follows(graph: &Graph, same: &SideTable<Node, bool>) -> SideTable<Node, bool> {
    let mut follows = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter().filter(|(id, _)| same[*id]) {
        follows[id] = match Cost::of(&node.op) {
            Cost::Dear => !graph.operands(id).iter().all(|operand| is_made(graph, *operand)),
            Cost::Follows => {
                let size = |node: NodeId| &graph.ty(node).shape;
                let is_part =
                    matches!(node.op, Op::Slice { .. } | Op::Reshape | Op::Transpose { .. });
                let leads =
                    |operand: &NodeId| follows[*operand] && (is_part || size(*operand) == size(id));
                node.operands.iter().any(leads)
            }
            Cost::Grows => false,
        };
    }
    follows
}

/// Whether a value depends on extents and positions alone: of those the loops make what they need.
fn is_made(graph: &Graph, node: NodeId) -> bool {
    if let Op::Broadcast { .. } = graph.op(node) {
        return is_made(graph, graph.operands(node)[0]);
    }
    matches!(graph.op(node), Op::Constant(_) | Op::Extent(_) | Op::Iota { .. })
}

/// Computes what is moved, and all that it needs, from the operands of the loop.
fn outside(sharing: &mut Sharing, body: &Graph, operands: &[NodeId], moved: &[NodeId]) -> Moved {
    let mut needed = SideTable::new(&body.nodes, false);
    moved.iter().for_each(|node| needed[*node] = true);
    for (id, node) in body.nodes.iter().rev() {
        if needed[id] {
            node.operands.iter().for_each(|operand| needed[*operand] = true);
        }
    }
    let mut values: SideTable<Node, NodeId> = SideTable::new(&body.nodes, NodeId::new(0));
    for (id, node) in body.nodes.iter().filter(|(id, _)| needed[*id]) {
        sharing.set_origin(node.origin);
        let given: Vec<NodeId> = node.operands.iter().map(|operand| values[*operand]).collect();
        values[id] = if let Op::Parameter(position) = &node.op {
            operands[position - 1]
        } else if node.op.is_control() {
            sharing.control(node.op.clone(), &given)
        } else {
            sharing.node(node.op.clone(), &given, node.types[0].clone())
        };
    }
    moved.iter().map(|node| (*node, values[*node])).collect()
}

/// A body that takes some values from outside, where they are `given`.
fn without(sharing: &Sharing, body: &Graph, moved: &Moved, given: &[NodeId]) -> Graph {
    let mut builder = Builder::head(body);
    let parameter = |(position, node): (usize, &NodeId)| {
        builder.parameter(&format!("same{position}"), sharing.ty(*node).clone())
    };
    let parameters: Vec<NodeId> = given.iter().enumerate().map(parameter).collect();
    let mut values: SideTable<Node, NodeId> = SideTable::new(&body.nodes, NodeId::new(0));
    for (id, node) in body.nodes.iter() {
        builder.set_origin(node.origin);
        let operands: Vec<NodeId> = node.operands.iter().map(|operand| values[*operand]).collect();
        let outside = moved.iter().find(|(inside, _)| *inside == id).map(|(_, outside)| outside);
        let place = outside.and_then(|outside| given.iter().position(|node| node == outside));
        values[id] = match place {
            Some(place) => parameters[place],
            None => builder.again(node, &operands),
        };
    }
    let results = body.results.iter();
    let results =
        results.map(|result| Output { node: values[result.node], updates: result.updates });
    prune(&builder.finish(results.collect()))
}
