//! One function on many arguments at once, each alone: a mapped value has one more axis, which is its first.
//!
//! In:  a first-order graph, and which of its parameters are mapped.   Out: a first-order graph whose results are mapped.
//!
//! ```text
//! before                                        after, with x mapped
//! graph f<n>(x: f32[n], w: f32[n]) -> f32 {     graph f<n, map>(x: f32[map, n], w: f32[n]) -> f32[map] {
//!   %0: f32[n] = exp w                            %0: f32[n] = exp w
//!   %1: f32[n] = mul x, %0                        %1: f32[map, n] = broadcast %0 axes=[1]
//!   %2: f32 = reduce.add %1 axes=[0]              %2: f32[map, n] = mul x, %1
//!   return %2                                     %3: f32[map] = reduce.add %2 axes=[1]
//! }                                               return %3
//!                                               }
//! ```
//!
//! A value that does not depend on mapped parameters is computed once, and repeated only where a primitive needs it so.
//! [`mod@spread`] says which values are mapped, [`rules`] has one rule for each primitive, and [`control`] one for each that runs bodies.
//!
//! Afterwards: the extent of the mapped axis is the last symbol. Every element of a result has the value that the graph alone gives,
//! computed by the same primitives over the same elements, and a loop ends for all extents if it ends for each of them alone.
//! Never here: choosing an order of axes for speed.

mod spread;
mod rules;
mod control;
mod partition;

use crate::arena::SideTable;
use crate::graph::build::Builder;
use crate::graph::{Callable, Dim, Graph, Node, NodeId, Op, Output, Parameter, Symbol, TensorType};

use super::inline::without_dead_nodes;

/// The graph with one more first axis of the parameters `mapped` and of all results.
pub(super) fn vectorize(graph: &Graph, mapped: &[usize]) -> Graph {
    let extent = Dim::from(Symbol(graph.symbols.len() as u32));
    let mut symbols = graph.symbols.clone();
    symbols.push(free_name(&symbols, "map"));
    let is_mapped: Vec<bool> = (0..graph.parameters.len()).map(|it| mapped.contains(&it)).collect();
    let mut parameters = graph.parameters.clone();
    for (parameter, is_mapped) in parameters.iter_mut().zip(&is_mapped) {
        if *is_mapped {
            parameter.ty.shape.insert(0, extent.clone());
        }
    }
    let head = Graph { name: graph.name.clone(), symbols, parameters, ..Graph::default() };
    let mut draft = Draft { builder: Builder::resume(head), extent, active: None };
    let arguments = draft.parameters(&is_mapped);
    let results = draft.walk(graph, &arguments);
    let results = results.into_iter().map(|result| draft.mapped(result)).collect();
    let mut graph_of_map = without_dead_nodes(draft.finish(results), graph.parameters.len());
    graph_of_map.checks.clone_from(&graph.checks);
    graph_of_map
}

/// A name like `name` that is not among `names`.
fn free_name(names: &[String], name: &str) -> String {
    let mut name = name.to_owned();
    while names.contains(&name) {
        name.push('_');
    }
    name
}

/// A value of the graph; a mapped one has the mapped axis first.
#[derive(Clone, Copy, Debug)]
struct Value {
    node: NodeId,
    is_mapped: bool,
}

/// A graph under construction.
struct Draft {
    builder: Builder,
    /// The extent of the mapped axis.
    extent: Dim,
    /// `bool[extent]`: which elements are wanted here. The others need not end a loop, so a loop must not wait for them.
    active: Option<NodeId>,
}

impl Draft {
    /// Another graph over the same symbols, with these parameters, and their nodes.
    fn inner(&self, name: &str, parameters: Vec<(String, TensorType)>) -> (Self, Vec<NodeId>) {
        let symbols = self.builder.graph().symbols.clone();
        let head = Graph { name: name.to_owned(), symbols, ..Graph::default() };
        let mut builder = Builder::resume(head);
        let mut nodes = Vec::new();
        for (name, ty) in parameters {
            let known: Vec<String> =
                builder.graph().parameters.iter().map(|known| known.name.clone()).collect();
            nodes.push(builder.parameter(&free_name(&known, &name), ty));
        }
        (Self { builder, extent: self.extent.clone(), active: None }, nodes)
    }

    /// The nodes of the parameters that are declared already.
    fn parameters(&mut self, is_mapped: &[bool]) -> Vec<Value> {
        let declared: Vec<Parameter> = self.builder.graph().parameters.clone();
        let mut values = Vec::new();
        for (position, (parameter, is_mapped)) in declared.into_iter().zip(is_mapped).enumerate() {
            let node = self.builder.apply(Op::Parameter(position), &[], parameter.ty);
            values.push(Value { node, is_mapped: *is_mapped });
        }
        values
    }

    fn finish(self, results: Vec<NodeId>) -> Graph {
        let results = results.into_iter().map(|node| Output { node, updates: None });
        self.builder.finish(results.collect())
    }

    /// The results of a graph for these arguments.
    fn walk(&mut self, graph: &Graph, arguments: &[Value]) -> Vec<Value> {
        let mut values: SideTable<Node, Vec<Value>> = SideTable::new(&graph.nodes, Vec::new());
        for (id, node) in graph.nodes.iter() {
            self.builder.set_origin(node.origin);
            let operands = |values: &SideTable<Node, Vec<Value>>| -> Vec<Value> {
                node.operands.iter().map(|operand| values[*operand][0]).collect()
            };
            values[id] = if let Op::Parameter(position) = &node.op {
                vec![arguments[*position]]
            } else if let Op::Project(position) = &node.op {
                vec![values[node.operands[0]][*position]]
            } else if node.op.is_control() {
                self.control(&node.op, &operands(&values))
            } else if let Op::Call { callee, symbols } = &node.op {
                self.called(node, (callee, symbols), &operands(&values))
            } else {
                vec![self.node(node, &operands(&values))]
            };
        }
        graph.results.iter().map(|result| values[result.node][0]).collect()
    }

    /// A function with rules: its map has the maps of these.
    fn called(
        &mut self,
        node: &Node,
        (callee, symbols): (&Callable, &[Dim]),
        operands: &[Value],
    ) -> Vec<Value> {
        let nodes: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
        let mapped: Vec<usize> =
            (0..operands.len()).filter(|position| operands[*position].is_mapped).collect();
        let is_mapped = !mapped.is_empty();
        let found = if is_mapped {
            let symbols = symbols.iter().chain([&self.extent]).cloned().collect();
            let types = node.types.iter().map(|ty| self.mapped_type(ty)).collect();
            let of = Box::new(callee.clone());
            let op = Op::Call { callee: Callable::Map { of, mapped }, symbols };
            self.where_wanted(op, operands, types)
        } else {
            self.builder.call(callee.clone(), symbols.to_vec(), &nodes, node.types.clone())
        };
        found.into_iter().map(|node| Value { node, is_mapped }).collect()
    }

    /// The type with the mapped axis.
    fn mapped_type(&self, ty: &TensorType) -> TensorType {
        let mut ty = ty.clone();
        ty.shape.insert(0, self.extent.clone());
        ty
    }

    /// The value with the mapped axis, repeated along it if it does not depend on it.
    fn mapped(&mut self, value: Value) -> NodeId {
        if value.is_mapped {
            return value.node;
        }
        let ty = self.mapped_type(&self.builder.ty(value.node).clone());
        let axes: Vec<usize> = (1..ty.rank()).collect();
        self.builder.broadcast(value.node, &ty.shape, &axes)
    }

    /// Axis `from` in front of all others.
    fn put_first(&mut self, node: NodeId, from: usize) -> NodeId {
        let rank = self.builder.ty(node).rank();
        let others = (0..rank).filter(|axis| *axis != from);
        let permutation: Vec<usize> = std::iter::once(from).chain(others).collect();
        self.builder.transpose(node, &permutation)
    }

    /// The first axis at place `to`.
    fn move_first(&mut self, node: NodeId, to: usize) -> NodeId {
        let rank = self.builder.ty(node).rank();
        let mut permutation: Vec<usize> = (1..rank).collect();
        permutation.insert(to, 0);
        self.builder.transpose(node, &permutation)
    }
}
