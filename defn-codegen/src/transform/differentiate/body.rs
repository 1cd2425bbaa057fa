//! Parts of a graph as graphs of their own.
//!
//! ```text
//! before                                          after, of %1 over y and %0
//! graph body(x: f32, y: f32) -> f32 {             graph body(y: f32, v0: f32) -> f32 {
//!   %0: f32 = sin x                                 %0: f32 = mul v0, y
//!   %1: f32 = mul %0, y                             return %0
//!   %2: f32 = exp %1                              }
//!   return %2
//! }
//! ```
//!
//! Afterwards: every node is needed, and keeps its origin; parameters that nothing reads have no node.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::SideTable;
use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{Graph, Node, NodeId, Op, Output, Parameter, TensorType};

/// What becomes a parameter.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A parameter of the graph.
    Parameter(usize),
    /// The value of a node.
    Value(NodeId),
    /// What nothing reads.
    Unread(TensorType),
}

/// The part of a graph that computes `results` from `inputs`.
pub(super) fn extract(graph: &Graph, inputs: &[Input], results: &[NodeId]) -> Graph {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut given: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (position, input) in inputs.iter().enumerate() {
        let (name, ty) = match input {
            Input::Parameter(parameter) => {
                given.extend(parameter_node(graph, *parameter).map(|node| (node, position)));
                let parameter = &graph.parameters[*parameter];
                (parameter.name.clone(), parameter.ty.clone())
            }
            Input::Value(node) => {
                given.insert(*node, position);
                let name = if let Op::Parameter(parameter) = graph.op(*node) {
                    graph.parameters[*parameter].name.clone()
                } else {
                    format!("v{position}")
                };
                (name, graph.ty(*node).clone())
            }
            Input::Unread(ty) => (format!("v{position}"), ty.clone()),
        };
        let name = free_name(&parameters, name);
        parameters.push(Parameter { name, ty, symbol: None });
    }
    let head = Graph {
        name: graph.name.clone(),
        symbols: graph.symbols.clone(),
        parameters,
        ..Graph::default()
    };
    let mut builder = Builder::resume(head);
    let mut values = BTreeMap::new();
    for (id, position) in given {
        let ty = builder.graph().parameters[position].ty.clone();
        values.insert(id, (Op::Parameter(position), ty));
    }
    let nodes = copy(&mut builder, graph, results, values);
    builder.finish(nodes.into_iter().map(|node| Output { node, updates: None }).collect())
}

/// Copies what computes `results`, with these nodes in place of parameters.
pub(super) fn graft(
    builder: &mut Builder,
    graph: &Graph,
    results: &[NodeId],
    arguments: &[Option<NodeId>],
) -> Vec<NodeId> {
    let live = live(graph, results, &|_| false);
    let mut values: SideTable<Node, Vec<NodeId>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter().filter(|(id, _)| live[*id]) {
        values[id] = if let Op::Parameter(position) = &node.op {
            let Some(argument) = arguments[*position] else {
                bug!("transform", "a parameter is read outside of its body")
            };
            vec![argument]
        } else {
            apply(builder, node, &values)
        };
    }
    results.iter().map(|result| values[*result][0]).collect()
}

/// Which parameters `results` are made of, if the values of `given` are there.
pub(super) fn read(graph: &Graph, given: &BTreeSet<NodeId>, results: &[NodeId]) -> BTreeSet<usize> {
    let live = live(graph, results, &|id| given.contains(&id));
    let mut found = BTreeSet::new();
    for (id, node) in graph.nodes.iter().filter(|(id, _)| live[*id] && !given.contains(id)) {
        if let (Op::Parameter(position), true) = (&node.op, live[id]) {
            found.insert(*position);
        }
    }
    found
}

/// The node of a parameter.
pub(super) fn parameter_node(graph: &Graph, position: usize) -> Option<NodeId> {
    let is_it = |(_, node): &(NodeId, &Node)| node.op == Op::Parameter(position);
    graph.nodes.iter().find(is_it).map(|(id, _)| id)
}

fn copy(
    builder: &mut Builder,
    graph: &Graph,
    results: &[NodeId],
    given: BTreeMap<NodeId, (Op, TensorType)>,
) -> Vec<NodeId> {
    let live = live(graph, results, &|id| given.contains_key(&id));
    let mut values: SideTable<Node, Vec<NodeId>> = SideTable::new(&graph.nodes, Vec::new());
    // Parameters come first, in order.
    let mut inputs: Vec<_> = given.iter().filter(|(id, _)| live[**id]).collect();
    inputs.sort_by_key(|(_, (op, _))| op.clone());
    for (id, (op, ty)) in inputs {
        builder.set_origin(graph.node(*id).origin);
        values[*id] = vec![builder.apply(op.clone(), &[], ty.clone())];
    }
    for (id, node) in graph.nodes.iter().filter(|(id, _)| live[*id] && !given.contains_key(id)) {
        if let Op::Parameter(_) = node.op {
            bug!("transform", "a parameter is read outside of its body");
        }
        values[id] = apply(builder, node, &values);
    }
    results.iter().map(|result| values[*result][0]).collect()
}

/// Applies a node again, to what its operands have become.
pub(super) fn apply(
    builder: &mut Builder,
    node: &Node,
    values: &SideTable<Node, Vec<NodeId>>,
) -> Vec<NodeId> {
    builder.set_origin(node.origin);
    if let Op::Project(position) = &node.op {
        return vec![values[node.operands[0]][*position]];
    }
    let operands: Vec<NodeId> = node.operands.iter().map(|operand| values[*operand][0]).collect();
    if node.op.is_control() {
        return builder.control(node.op.clone(), &operands);
    }
    if let Op::Call { callee, symbols } = &node.op {
        return builder.call(callee.clone(), symbols.clone(), &operands, node.types.clone());
    }
    vec![builder.apply(node.op.clone(), &operands, node.types[0].clone())]
}

/// Which nodes `results` are made of; those behind what is given are not.
fn live(
    graph: &Graph,
    results: &[NodeId],
    is_given: &dyn Fn(NodeId) -> bool,
) -> SideTable<Node, bool> {
    let mut live = SideTable::new(&graph.nodes, false);
    results.iter().for_each(|result| live[*result] = true);
    for (id, node) in graph.nodes.iter().rev() {
        if live[id] && !is_given(id) {
            node.operands.iter().for_each(|operand| live[*operand] = true);
        }
    }
    live
}

/// `name`, or one like it that is not taken.
fn free_name(taken: &[Parameter], name: String) -> String {
    let mut name = name;
    while taken.iter().any(|parameter| parameter.name == name) {
        name.push('_');
    }
    name
}
