//! Which values get a buffer whatever the grouping is.
//!
//! Stored are: parameters, results, what `concat`, `pad` and `add_at` make, operands of matrix products that are more than a view,
//! tables that elements are taken from, and what a reshape merges axes of (a buffer is reshaped for nothing).

use super::prepare::is_matrix_product;
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};

/// For each node whether it is stored.
pub(super) fn stored(graph: &Graph, copies: &[NodeId]) -> SideTable<Node, bool> {
    let mut stored = SideTable::new(&graph.nodes, false);
    for (id, node) in graph.nodes.iter() {
        stored[id] = matches!(node.op, Op::Parameter(_)) || node.op.assembles();
        if is_matrix_product(graph, id) {
            for operand in &node.operands {
                store_base(graph, &mut stored, *operand);
            }
        }
        if matches!(node.op, Op::Take { .. }) {
            store_base(graph, &mut stored, node.operands[0]);
        }
        if is_merging_reshape(graph, id) {
            stored[node.operands[0]] = true;
        }
    }
    for node in copies.iter().copied().chain(graph.results.iter().map(|result| result.node)) {
        stored[node] = true;
    }
    stored
}

/// Stores what a value is a view of.
fn store_base(graph: &Graph, stored: &mut SideTable<Node, bool>, node: NodeId) {
    let views = matches!(
        graph.op(node),
        Op::Transpose { .. } | Op::Slice { .. } | Op::Broadcast { .. } | Op::Reshape
    );
    if views && !is_merging_reshape(graph, node) {
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

/// Axes of the operand and of the result that hold the same elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Axes of the operand that are longer than 1.
    pub(crate) operand: Vec<usize>,
    /// Axes of the result that are longer than 1.
    pub(crate) result: Vec<usize>,
}

/// Splits a reshape into blocks of equal size, from the left; none if sizes do not meet provably.
pub(crate) fn blocks(operand: &[Dim], result: &[Dim]) -> Option<Vec<Block>> {
    let long = |shape: &[Dim]| -> Vec<usize> {
        (0..shape.len()).filter(|axis| !shape[*axis].is(1)).collect()
    };
    let (left, right) = (long(operand), long(result));
    let (mut i, mut j) = (0, 0);
    let mut blocks = Vec::new();
    while i < left.len() || j < right.len() {
        blocks.push(block((operand, &left), (result, &right), (&mut i, &mut j))?);
    }
    Some(blocks)
}

/// The shortest next block: one axis on one side, several on the other.
fn block(
    left: (&[Dim], &[usize]),
    right: (&[Dim], &[usize]),
    at: (&mut usize, &mut usize),
) -> Option<Block> {
    let product = |(shape, axes): (&[Dim], &[usize]), from: usize, to: usize| {
        axes[from..to].iter().fold(Dim::from(1), |product, axis| product * shape[*axis].clone())
    };
    let (i, j) = (*at.0, *at.1);
    let (rest_left, rest_right) = (left.1.len() - i, right.1.len() - j);
    for total in 1..=rest_left + rest_right {
        for taken in (0..=total.min(rest_left)).filter(|taken| total - taken <= rest_right) {
            let (to_left, to_right) = (i + taken, j + total - taken);
            if product(left, i, to_left) == product(right, j, to_right) {
                (*at.0, *at.1) = (to_left, to_right);
                return Some(Block {
                    operand: left.1[i..to_left].to_vec(),
                    result: right.1[j..to_right].to_vec(),
                });
            }
        }
    }
    None
}
