//! Which values get a buffer whatever the grouping is.
//!
//! Stored are: parameters, results, what `concat`, `pad`, `overlap_add`, `add_at`, `scan` and sorting make, operands of matrix products that are more than a view,
//! what is sorted, tables that elements are taken from, what bodies read and give, and what a reshape merges axes of (a buffer is reshaped for nothing).

use super::prepare::is_matrix_product;
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};
use crate::kernels::reshape::blocks;
use crate::kernels::{given, uncertain_table};

/// For each node whether it is stored.
pub(super) fn stored(graph: &Graph, copies: &[NodeId]) -> SideTable<Node, bool> {
    let mut stored = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        stored[id] |= matches!(node.op, Op::Parameter(_) | Op::Project(_)) || node.op.assembles();
        if node.op.is_control() {
            (0..node.operands.len()).for_each(|it| stored[given(graph, id, it)] = true);
        }
        if is_matrix_product(graph, id) {
            store_base(graph, &mut stored, node.operands[0]);
            store_base(graph, &mut stored, narrow_base(graph, node.operands[1]));
        }
        if matches!(node.op, Op::Take { .. } | Op::Sort { .. } | Op::Argsort { .. }) {
            store_base(graph, &mut stored, node.operands[0]);
        }
        if is_merging_reshape(graph, id) {
            stored[node.operands[0]] = true;
        }
    }
    for node in scattered_tables(graph) {
        stored[node] = true;
    }
    for node in copies.iter().copied().chain(graph.results.iter().map(|result| result.node)) {
        stored[node] = true;
    }
    stored
}

/// What is taken from tables that may be empty, if they are several: a kernel asks of one table at most whether it is.
pub(super) fn scattered_tables(graph: &Graph) -> Vec<NodeId> {
    let uncertain: Vec<(NodeId, Dim)> =
        graph.nodes.ids().filter_map(|node| Some((node, uncertain_table(graph, node)?))).collect();
    let Some((_, first)) = uncertain.first() else { return Vec::new() };
    let one_table = uncertain.iter().all(|(_, extent)| extent == first);
    if one_table { Vec::new() } else { uncertain.into_iter().map(|(node, _)| node).collect() }
}

/// What the right operand of a matrix product is converted from, if that has 16 bits: half of the memory is read, and panels are
/// converted while they are copied. Of the left operand each element would be converted for every group of columns.
fn narrow_base(graph: &Graph, right: NodeId) -> NodeId {
    let mut base = right;
    while is_view(graph.op(base)) && !is_merging_reshape(graph, base) {
        base = graph.operands(base)[0];
    }
    let is_widened =
        *graph.op(base) == Op::Convert && graph.ty(graph.operands(base)[0]).element.is_half();
    if is_widened { graph.operands(base)[0] } else { right }
}

fn is_view(op: &Op) -> bool {
    matches!(
        op,
        Op::Transpose { .. }
            | Op::Slice { .. }
            | Op::Reverse { .. }
            | Op::Broadcast { .. }
            | Op::Reshape
            | Op::Window(_)
    )
}

/// Stores what a value is a view of.
fn store_base(graph: &Graph, stored: &mut SideTable<Node, bool>, node: NodeId) {
    if is_view(graph.op(node)) && !is_merging_reshape(graph, node) {
        store_base(graph, stored, graph.operands(node)[0]);
    } else {
        store_unless_scalar(graph, stored, node);
    }
}

fn is_merging_reshape(graph: &Graph, node: NodeId) -> bool {
    matches!(graph.op(node), Op::Reshape)
        && merges(graph.shape(graph.operands(node)[0]), graph.shape(node))
}

fn store_unless_scalar(graph: &Graph, stored: &mut SideTable<Node, bool>, node: NodeId) {
    let scalar = matches!(graph.op(node), Op::Constant(_) | Op::Extent(_) | Op::Iota { .. });
    stored[node] = stored[node] || !scalar;
}

/// Whether an axis of the result of a reshape runs through several axes of the operand.
pub(super) fn merges(operand: &[Dim], result: &[Dim]) -> bool {
    blocks(operand, result).is_none_or(|blocks| blocks.iter().any(|block| block.operand.len() > 1))
}
