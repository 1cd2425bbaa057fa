//! Folds of a few elements: computed where they are used, like a value of elements.
//!
//! ```text
//! %2: f32[n, m] = contract %1, %1 batch=2 contracted=1    (of 3 elements each)
//! %3: f32[n, m] = rsqrt %2                                %2 is an expression of six loads in the kernel of %4:
//! %4: f32[n] = reduce.add %3 axes=[1]                     no distance of any pair is ever in memory
//! ```
//!
//! Lanes along an axis of three leave most of a register idle, and as rows of their own such folds are as many values as their consumer
//! reads. Never here: matrix products, whose operands are read again and again, and folds of what is dear to compute.

use super::prepare::is_matrix_product;
use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};
use crate::kernels::columns;

/// No longer axis is written out element by element.
const SHORT: i64 = 4;
/// No dearer fold is.
const LIGHT: u32 = 16;

/// Whether axes have only a few positions.
pub(super) fn is_short(extents: &[Dim]) -> bool {
    positions(extents).is_some_and(|positions| positions <= SHORT)
}

/// How many positions axes have, if that is known.
fn positions(extents: &[Dim]) -> Option<i64> {
    extents.iter().try_fold(1_i64, |count, extent| count.checked_mul(extent.as_constant()?))
}

/// What a fold costs that is computed where it is used, in simple operations; `inherited` is the cost of one element of its operands.
pub(super) fn fold(graph: &Graph, node: NodeId, inherited: u32) -> Option<u32> {
    if !graph.op(node).folds() || is_matrix_product(graph, node) {
        return None;
    }
    let columns = columns(graph, node);
    let count = positions(&columns).filter(|_| is_short(&columns))?;
    let cost = u32::try_from(count).ok()?.saturating_mul(inherited.saturating_add(1));
    (cost <= LIGHT).then_some(cost)
}

/// How many axes are not short.
pub(super) fn long_axes(shape: &[Dim]) -> usize {
    shape.iter().filter(|extent| !is_short(std::slice::from_ref(extent))).count()
}

/// For each value the most long axes of any value that it is computed from.
pub(super) fn sources(graph: &Graph, short: &SideTable<Node, bool>) -> SideTable<Node, usize> {
    let mut sources = SideTable::new(&graph.nodes, 0);
    for (id, node) in graph.nodes.iter() {
        let is_source = matches!(node.op, Op::Parameter(_) | Op::Call { .. } | Op::Project(_))
            || node.op.assembles()
            || node.op.folds() && !short[id];
        sources[id] = if is_source {
            long_axes(graph.shape(id))
        } else {
            node.operands.iter().map(|operand| sources[*operand]).max().unwrap_or(0)
        };
    }
    sources
}
