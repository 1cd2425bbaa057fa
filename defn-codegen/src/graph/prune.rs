//! What no result needs goes.
//!
//! In:  a graph.   Out: the same without dead nodes; parameters stay declared, because they are the signature.
//!
//! ```text
//! before                          after
//! graph f(x: f32) -> f32 {        graph f(x: f32) -> f32 {
//!   %0: f32 = exp x                 %0: f32 = neg x
//!   %1: f32 = neg x                 return %0
//!   return %1                     }
//! }
//! ```

use super::build::Builder;
use super::{Graph, Node, NodeId, Output};
use crate::arena::SideTable;

/// Which nodes some result needs.
pub(crate) fn needed(graph: &Graph) -> SideTable<Node, bool> {
    let mut needed = SideTable::new(&graph.nodes, false);
    for result in &graph.results {
        needed[result.node] = true;
    }
    for (id, node) in graph.nodes.iter().rev() {
        if needed[id] {
            node.operands.iter().for_each(|operand| needed[*operand] = true);
        }
    }
    needed
}

/// `graph` without the nodes that no result needs.
pub(crate) fn prune(graph: &Graph) -> Graph {
    let needed = needed(graph);
    let mut builder = Builder::head(graph);
    let mut values: SideTable<Node, NodeId> = SideTable::new(&graph.nodes, NodeId::new(0));
    for (id, node) in graph.nodes.iter().filter(|(id, _)| needed[*id]) {
        builder.set_origin(node.origin);
        let operands: Vec<NodeId> = node.operands.iter().map(|operand| values[*operand]).collect();
        values[id] = builder.again(node, &operands);
    }
    let results = graph.results.iter();
    let results = results
        .map(|result| Output { node: values[result.node], updates: result.updates })
        .collect();
    builder.finish(results)
}
