//! A call becomes the body of what it calls.
//!
//! In:  a graph with calls, and the first-order graph of each callee.   Out: a first-order graph.
//!
//! ```text
//! before                                                  after
//! graph double<n>(x: f32[n]) -> f32[n] {                  graph f<m>(y: f32[m, 3]) -> f32[3*m] {
//!   %0: f32[n] = add x, x                                   %0: f32[3*m] = reshape y
//!   return %0                                               %1: f32[3*m] = add %0, %0
//! }                                                         return %1
//! graph f<m>(y: f32[m, 3]) -> f32[3*m] {                  }
//!   %0: f32[3*m] = reshape y
//!   %1: f32[3*m] = call fn0<3*m>(%0)
//!   return %1
//! }
//! ```
//!
//! Afterwards: every node is needed by a result, and keeps the origin it had in its own function.
//! A callee's check holds over the symbols of the caller; one that is true for every value of them is gone.
//! The checks of a call whose results are not used stay, as its panic would in Rust.

use std::rc::Rc;

use crate::arena::SideTable;
use crate::bug;
use crate::graph::Callable;
use crate::graph::build::Builder;
use crate::graph::substitute::Substitution;
use crate::graph::{Check, Dim, Graph, Node, NodeId, Op, Output, Relation};

/// Which calls stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Those of functions with rules, which derivatives ask for.
    Rules,
    /// None.
    Nothing,
    /// All.
    All,
}

/// `graph` with the body of the callee in place of every call that does not stay.
pub(super) fn inline(
    graph: &Graph,
    kept: Kept,
    flatten: &mut dyn FnMut(&Callable) -> Rc<Graph>,
) -> Graph {
    let mut builder = Builder::resume(declarations(graph));
    copy_checks(&mut builder, graph, None);
    let live = live(graph);
    let mut values: SideTable<Node, Vec<NodeId>> = SideTable::new(&graph.nodes, Vec::new());
    for (id, node) in graph.nodes.iter() {
        let operands = |values: &SideTable<Node, Vec<NodeId>>| -> Vec<NodeId> {
            node.operands.iter().map(|operand| values[*operand][0]).collect()
        };
        if let Op::Call { callee, symbols } = &node.op {
            let stays = match kept {
                Kept::All => true,
                Kept::Rules => callee.rules().is_some(),
                Kept::Nothing => false,
            };
            if stays && live[id] {
                builder.set_origin(node.origin);
                let (callee, symbols) = (callee.clone(), symbols.clone());
                let operands = operands(&values);
                values[id] = builder.call(callee, symbols, &operands, node.types.clone());
            }
            if kept == Kept::All {
                continue;
            }
            let callee = flatten(callee);
            copy_checks(&mut builder, &callee, Some(symbols));
            if live[id] && !stays {
                values[id] = body(&mut builder, &callee, &operands(&values), symbols);
            }
        } else if let (Op::Project(position), true) = (&node.op, live[id]) {
            values[id] = vec![values[node.operands[0]][*position]];
        } else if node.op.is_control() {
            let op = node.op.with_bodies(|body| inline_body(&mut builder, body, kept, flatten));
            if live[id] {
                builder.set_origin(node.origin);
                values[id] = builder.control(op, &operands(&values));
            }
        } else if live[id] {
            values[id] = vec![copy(&mut builder, node, &operands(&values), None)];
        }
    }
    let results = graph
        .results
        .iter()
        .map(|result| Output { node: values[result.node][0], updates: result.updates });
    let results = results.collect();
    builder.finish(results)
}

/// A body with the bodies of its callees, whose checks are made before anything runs.
fn inline_body(
    builder: &mut Builder,
    body: &Graph,
    kept: Kept,
    flatten: &mut dyn FnMut(&Callable) -> Rc<Graph>,
) -> Graph {
    let mut body = inline(body, kept, flatten);
    std::mem::take(&mut body.checks).into_iter().for_each(|check| builder.check(check));
    body
}

/// `graph` without the nodes that no result needs, and without the parameters from `parameters` on, which nothing needs either.
pub(super) fn without_dead_nodes(mut graph: Graph, parameters: usize) -> Graph {
    graph.parameters.truncate(parameters);
    inline(&graph, Kept::All, &mut |_| bug!("transform", "a call that stays is not opened"))
}

/// The head of `graph`: everything but checks, nodes and results.
fn declarations(graph: &Graph) -> Graph {
    Graph {
        name: graph.name.clone(),
        symbols: graph.symbols.clone(),
        parameters: graph.parameters.clone(),
        ..Graph::default()
    }
}

/// Which nodes some result needs.
fn live(graph: &Graph) -> SideTable<Node, bool> {
    let mut live = SideTable::new(&graph.nodes, false);
    for result in &graph.results {
        live[result.node] = true;
    }
    for (id, node) in graph.nodes.iter().rev() {
        if live[id] {
            node.operands.iter().for_each(|operand| live[*operand] = true);
        }
    }
    live
}

/// Copies the body of a first-order graph and gives the nodes of its results.
fn body(
    builder: &mut Builder,
    callee: &Graph,
    arguments: &[NodeId],
    symbols: &[Dim],
) -> Vec<NodeId> {
    let mut values: Vec<Vec<NodeId>> = Vec::with_capacity(callee.nodes.len());
    for (_, node) in callee.nodes.iter() {
        let operands: Vec<NodeId> =
            node.operands.iter().map(|operand| values[operand.index()][0]).collect();
        values.push(if let Op::Parameter(position) = &node.op {
            vec![arguments[*position]]
        } else if let Op::Project(position) = &node.op {
            vec![values[node.operands[0].index()][*position]]
        } else if node.op.is_control() {
            let names = builder.graph().symbols.clone();
            let substitution = Substitution { extents: symbols, names: &names };
            builder.set_origin(node.origin);
            builder.control(substitution.op(&node.op), &operands)
        } else if let Op::Call { callee, symbols: passed } = &node.op {
            let names = builder.graph().symbols.clone();
            let substitution = Substitution { extents: symbols, names: &names };
            builder.set_origin(node.origin);
            let passed = passed.iter().map(|dim| dim.substitute(symbols)).collect();
            let types = node.types.iter().map(|ty| substitution.ty(ty)).collect();
            builder.call(callee.clone(), passed, &operands, types)
        } else {
            vec![copy(builder, node, &operands, Some(symbols))]
        });
    }
    callee.results.iter().map(|result| values[result.node.index()][0]).collect()
}

/// Copies one node with one result, with `symbols` in place of the symbols of its graph if they are given.
fn copy(
    builder: &mut Builder,
    node: &Node,
    operands: &[NodeId],
    symbols: Option<&[Dim]>,
) -> NodeId {
    builder.set_origin(node.origin);
    let claimed = &node.types[0];
    match symbols {
        None => builder.apply(node.op.clone(), operands, claimed.clone()),
        Some(extents) => {
            let names = builder.graph().symbols.clone();
            let substitution = Substitution { extents, names: &names };
            builder.apply(substitution.op(&node.op), operands, substitution.ty(claimed))
        }
    }
}

fn copy_checks(builder: &mut Builder, graph: &Graph, symbols: Option<&[Dim]>) {
    for check in &graph.checks {
        let place = |dim: &Dim| symbols.map_or_else(|| dim.clone(), |list| dim.substitute(list));
        let check = Check { left: place(&check.left), right: place(&check.right), ..check.clone() };
        if !always_holds(&check) {
            builder.check(check);
        }
    }
}

/// Whether a check holds for all values of the symbols, as far as the normal form shows it.
fn always_holds(check: &Check) -> bool {
    let (left, right) = (&check.left, &check.right);
    match check.relation {
        Relation::Equal => left == right,
        Relation::AtMost => left.is_surely_at_most(right),
        Relation::Divides => match left.as_constant() {
            Some(divisor) if divisor != 0 => {
                right.terms().iter().all(|(_, coefficient)| coefficient % divisor == 0)
            }
            _ => left == right || right.is(0),
        },
    }
}
