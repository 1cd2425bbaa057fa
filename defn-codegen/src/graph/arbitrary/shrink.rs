//! Making a failing case small, so that its report is a graph of a few lines.
//!
//! Greedy: whatever is smaller and still fails is taken, until nothing is.
//! Tried are: one result or one unused node alone, an operand in place of a result, a node's value as an argument in place of the node,
//! extents as numbers in place of symbols.

use std::collections::BTreeMap;

use super::Case;
use crate::arena::{Arena, SideTable};
use crate::graph::eval::{Value, bind, eval};
use crate::graph::solve;
use crate::graph::substitute::Substitution;
use crate::graph::{Dim, Graph, Node, NodeId, Op, Output, Parameter};

/// The smallest case found that still fails.
pub fn shrink(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut smallest = case.clone();
    while let Some(smaller) = candidates(&smallest)
        .into_iter()
        .find(|candidate| weight(candidate) < weight(&smallest) && fails(candidate))
    {
        smallest = smaller;
    }
    smallest
}

/// What shrinking makes less of, the most important first.
fn weight(case: &Case) -> (usize, usize, usize, usize) {
    let graph = &case.graph;
    let applied = graph.nodes.iter().filter(|(_, node)| !matches!(node.op, Op::Parameter(_)));
    (applied.count(), graph.results.len(), graph.symbols.len(), graph.parameters.len())
}

/// Cases that may be smaller.
fn candidates(case: &Case) -> Vec<Case> {
    let graph = &case.graph;
    let mut found = vec![pruned(case.clone())];
    let alone = |node: NodeId| {
        let results = vec![Output { node, updates: None }];
        pruned(Case { graph: Graph { results, ..graph.clone() }, ..case.clone() })
    };
    let uses = graph.uses();
    let is_single = |id: &NodeId| !graph.nodes[*id].op.is_control();
    // What nothing uses may be guilty too.
    found.extend(graph.nodes.ids().filter(|id| uses[*id] == 0).filter(is_single).map(alone));
    for result in &graph.results {
        found.push(alone(result.node));
        found.extend(graph.operands(result.node).iter().copied().filter(is_single).map(alone));
    }
    let values = values(case);
    // From the last node on: the nearer to the result, the more is cut off.
    for (id, node) in graph.nodes.iter().rev() {
        let is_cut = matches!(node.op, Op::Parameter(_)) || node.op.is_control();
        if let Some(values) = values.as_ref().filter(|_| !is_cut) {
            found.push(pruned(cut(case, id, &values[&id])));
        }
    }
    found.extend(numbered(case));
    found
}

/// The value of every node that has one.
fn values(case: &Case) -> Option<BTreeMap<NodeId, Value>> {
    let graph = &case.graph;
    let nodes: Vec<NodeId> = graph.nodes.ids().filter(|id| !graph.op(*id).is_control()).collect();
    let results = nodes.iter().map(|node| Output { node: *node, updates: None }).collect();
    let values = eval(&Graph { results, ..graph.clone() }, &case.arguments).ok()?;
    Some(nodes.into_iter().zip(values).collect())
}

/// The case with a parameter in place of a node, and its value as the argument.
fn cut(case: &Case, id: NodeId, value: &Value) -> Case {
    let mut case = case.clone();
    let position = case.graph.parameters.len();
    // Parameters come and go while a case shrinks, so that a number may be taken.
    let parameters = &case.graph.parameters;
    let is_free = |name: &String| parameters.iter().all(|parameter| parameter.name != *name);
    let name = (position..).map(|number| format!("cut{number}")).find(is_free).unwrap_or_default();
    let ty = case.graph.ty(id).clone();
    case.graph.parameters.push(Parameter { name, ty, symbol: None });
    case.graph.nodes[id].op = Op::Parameter(position);
    case.graph.nodes[id].operands.clear();
    case.arguments.push(value.clone());
    case
}

/// The case without nodes that no result needs, and without parameters that nothing needs.
fn pruned(case: Case) -> Case {
    let Case { graph, arguments } = case;
    let mut needed = SideTable::new(&graph.nodes, false);
    for result in &graph.results {
        needed[result.node] = true;
    }
    for (id, node) in graph.nodes.iter().rev() {
        let is_needed = needed[id];
        for operand in &node.operands {
            needed[*operand] |= is_needed;
        }
    }
    let keeps = |position: usize| {
        let updated = graph.results.iter().any(|result| result.updates == Some(position));
        let read = |(id, node): (NodeId, &Node)| needed[id] && node.op == Op::Parameter(position);
        updated || graph.nodes.iter().any(read)
    };
    let mut kept: Vec<usize> = (0..graph.parameters.len()).filter(|k| keeps(*k)).collect();
    let parameters = |kept: &[usize]| -> Vec<Parameter> {
        kept.iter().map(|k| graph.parameters[*k].clone()).collect()
    };
    // A parameter that nothing reads may still say what a symbol is.
    if solve(graph.symbols.len(), &parameters(&kept)).is_err() {
        kept = (0..graph.parameters.len()).collect();
    }
    let place = |k: usize| kept.iter().position(|kept| *kept == k).unwrap_or(0);
    let mut moved = SideTable::new(&graph.nodes, NodeId::new(0));
    let mut nodes = Arena::default();
    for (id, node) in graph.nodes.iter().filter(|(id, _)| needed[*id]) {
        let op = if let Op::Parameter(k) = &node.op {
            Op::Parameter(place(*k))
        } else {
            node.op.clone()
        };
        let operands = node.operands.iter().map(|operand| moved[*operand]).collect();
        moved[id] = nodes.push(Node { op, operands, ..node.clone() });
    }
    let result =
        |result: &Output| Output { node: moved[result.node], updates: result.updates.map(place) };
    let results = graph.results.iter().map(result).collect();
    let arguments = kept.iter().map(|k| arguments[*k].clone()).collect();
    let parameters = parameters(&kept);
    Case { graph: Graph { parameters, nodes, results, ..graph }, arguments }
}

/// The case with the value of each symbol in its place.
fn numbered(case: &Case) -> Option<Case> {
    let symbols = bind(&case.graph, &case.arguments).ok()?;
    if symbols.is_empty() {
        return None;
    }
    let values: Vec<Dim> = symbols.into_iter().map(Dim::from).collect();
    let numbers = Substitution { extents: &values, names: &[] };
    let mut case = case.clone();
    let graph = &mut case.graph;
    graph.symbols.clear();
    graph.checks.clear();
    for parameter in &mut graph.parameters {
        parameter.ty = numbers.ty(&parameter.ty);
        parameter.symbol = None;
    }
    for id in graph.nodes.ids() {
        let node = &mut graph.nodes[id];
        node.types.iter_mut().for_each(|ty| *ty = numbers.ty(ty));
        node.op = numbers.op(&node.op);
    }
    Some(case)
}
