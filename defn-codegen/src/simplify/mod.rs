//! The same function with less work.
//!
//! In:  a first-order [`Graph`].   Out: a [`Graph`] that no rule can make smaller.
//!
//! ```text
//! before                                        after
//! graph f(x: f32[4, 8], y: f32[8]) -> f32[4] {  graph f(x: f32[4, 8], y: f32[8]) -> f32[4] {
//!   %0: f32 = constant 1.0                        %0: f32[4] = contract x, y batch=0 contracted=1
//!   %1: f32[4, 8] = broadcast %0 axes=[]          return %0
//!   %2: f32[4, 8] = mul x, %1                   }
//!   %3: f32[4, 8] = broadcast y axes=[1]
//!   %4: f32[4, 8] = mul %2, %3
//!   %5: f32[4] = reduce.add %4 axes=[1]
//!   return %5
//! }
//! ```
//!
//! A round copies the graph node by node; each node meets the rule books with operands that are simplified already, and is looked up
//! among the nodes that exist. Rounds go on until one changes nothing.
//!
//! Every law holds bit for bit for floats too, signed zeros and infinities included (NaN is one value); only what becomes a
//! contraction may round differently, because products inside a sum are defined not to be rounded.
//!
//! Afterwards: every node is needed, no two nodes compute the same, no movement undoes another.
//! Never here: choosing kernels or loop orders; laws that hold for real numbers only.

mod share;
mod constant;
mod algebra;
mod movement;
mod window;
mod contraction;
mod overlap;
mod control;
mod invariant;
mod mirror;

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::graph::prune;
use crate::graph::{Graph, Node, NodeId, Op, Output, TensorType};

use contraction::Source;
use share::Sharing;

/// More rounds than any graph has needed; each of them leaves a right graph.
const ROUNDS: usize = 16;

/// What bodies have become. Each round meets them again, and each round of a body those inside of it:
/// without memory that is work for every combination of rounds, which grows exponentially with the depth of bodies.
type Bodies = BTreeMap<Graph, Graph>;

/// `graph` with less work.
pub fn simplify(graph: Graph) -> Graph {
    simplified(graph, &mut Bodies::new())
}

fn simplified(graph: Graph, bodies: &mut Bodies) -> Graph {
    // How often a product is used is known only when equal products are one.
    let mut graph = round(&graph, None, bodies);
    for _ in 0..ROUNDS {
        let uses = graph.uses();
        let next = round(&graph, Some(&uses), bodies);
        if next == graph {
            return graph;
        }
        graph = next;
    }
    prune::prune(&graph)
}

/// A body with less work.
fn simplified_body(body: &Graph, bodies: &mut Bodies) -> Graph {
    if let Some(known) = bodies.get(body) {
        return known.clone();
    }
    let simple = simplified(body.clone(), bodies);
    bodies.insert(body.clone(), simple.clone());
    simple
}

/// A node that is about to exist.
struct Candidate<'a> {
    op: &'a Op,
    operands: &'a [NodeId],
    ty: &'a TensorType,
}

/// Copies what is needed of `graph` through the rules; sums of products become contractions if the numbers of uses are given.
fn round(graph: &Graph, uses: Option<&SideTable<Node, usize>>, bodies: &mut Bodies) -> Graph {
    let mut sharing = Sharing::new(graph);
    let needed = prune::needed(graph);
    let mut results: BTreeMap<NodeId, Vec<Option<NodeId>>> = BTreeMap::new();
    let mut values: SideTable<Node, NodeId> = SideTable::new(&graph.nodes, NodeId::new(0));
    for (id, node) in graph.nodes.iter().filter(|(id, _)| needed[*id]) {
        sharing.set_origin(node.origin);
        if node.op.is_control() {
            let operands: Vec<NodeId> =
                node.operands.iter().map(|operand| values[*operand]).collect();
            let op = node.op.with_bodies(|body| simplified_body(body, bodies));
            let used = used_results(graph, &needed, id);
            results.insert(id, control::apply(&mut sharing, (&op, &node.types), &operands, &used));
            continue;
        }
        if let Op::Project(position) = node.op
            && let Some(value) = results.get(&node.operands[0]).and_then(|all| all[position])
        {
            values[id] = value;
            continue;
        }
        let mirrored = mirror::sum(&mut sharing, graph, &values, id);
        let product = uses.filter(|_| mirrored.is_none()).and_then(|uses| {
            let source = Source { graph, uses, values: &values };
            contraction::summed_product(&mut sharing, &source, id)
                .or_else(|| contraction::swapped(&mut sharing, &source, id))
                .or_else(|| contraction::cut(&mut sharing, &source, id))
                .or_else(|| contraction::cut_terms(&mut sharing, &source, id))
                .or_else(|| overlap::product(&mut sharing, &source, id))
        });
        values[id] = mirrored.or(product).unwrap_or_else(|| {
            let operands: Vec<NodeId> =
                node.operands.iter().map(|operand| values[*operand]).collect();
            sharing.node(node.op.clone(), &operands, node.types[0].clone())
        });
    }
    let outputs = graph.results.iter();
    let outputs = outputs
        .map(|result| Output { node: values[result.node], updates: result.updates })
        .collect();
    sharing.finish(outputs)
}

/// Which results of a node that runs bodies are needed.
fn used_results(graph: &Graph, needed: &SideTable<Node, bool>, control: NodeId) -> Vec<bool> {
    let mut used = vec![false; graph.node(control).types.len()];
    for (id, node) in graph.nodes.iter() {
        if let Op::Project(position) = node.op
            && node.operands[0] == control
            && needed[id]
        {
            used[position] = true;
        }
    }
    used
}
