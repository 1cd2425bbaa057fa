//! What is computed again for a derivative is not shown again.
//!
//! ```text
//! before, in a loop that runs backward      after
//! %0: f64 = exp x                           %0: f64 = exp x
//! %1: (i64) = inspect status, %0 site=1     %1: f64 = log %0
//! %2: i64 = project %1 index=0              return status, %1
//! %3: f64 = log %0
//! return %2, %3
//! ```

use crate::arena::Arena;
use crate::graph::{Graph, Node, NodeId, Op};

/// The graph, where nodes from `from` on show nothing: what an inspection gives is the number that goes into it.
pub(in crate::transform) fn silent(graph: Graph, from: usize) -> Graph {
    if !graph.nodes.iter().skip(from).any(|(_, node)| shows(&node.op)) {
        return graph;
    }
    let mut stands_for: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    let mut nodes: Arena<Node> = Arena::default();
    for (id, node) in graph.nodes.iter() {
        let operands = node.operands.iter().map(|operand| stands_for[operand.index()]).collect();
        let is_again = id.index() >= from;
        let op = if is_again && shows(&node.op) {
            node.op.with_bodies(|body| silent(body.clone(), 0))
        } else {
            node.op.clone()
        };
        nodes.push(Node { op, operands, ..node.clone() });
        let number = (is_again && matches!(node.op, Op::Project(_)))
            .then(|| node.operands[0])
            .filter(|shown| matches!(graph.op(*shown), Op::Inspect(_)))
            .map(|shown| stands_for[graph.operands(shown)[0].index()]);
        stands_for.push(number.unwrap_or(id));
    }
    let mut graph = Graph { nodes, ..graph };
    for result in &mut graph.results {
        result.node = stands_for[result.node.index()];
    }
    graph
}

/// Whether something is shown by it or in it.
fn shows(op: &Op) -> bool {
    let inside = |body: &Graph| body.nodes.iter().any(|(_, node)| shows(&node.op));
    matches!(op, Op::Inspect(_)) || op.bodies().iter().any(|(_, body)| inside(body))
}
