//! Nodes that fusion needs and the graph does not have: copies.
//!
//! ```text
//! before                                    after
//! return x, x                               %0 = convert x            a result that is a parameter is a copy of it
//!                                           %1 = convert x            and each result has a node of its own
//!                                           return %0, %1
//!
//! %1 = contract x, w     (w: [n, p, k],     %1 = transpose w [k, n, p]   stored
//!       in memory [p, k, n])                %2 = transpose %1 [n, p, k]
//!                                           %3 = contract x, %2
//!
//! %1 = contract g, x     (x: windows)       %1 = contract x, g          what is read through windows is not copied
//!                                           %2 = transpose %1
//! ```
//!
//! The second: a contraction with free axes on both sides runs with lanes along the last free axis of the right operand,
//! or along the last contracted axis, so that operand must have one of the two innermost in memory.
//! Afterwards: see above. Never here: deciding which kernel a node belongs to.

use std::collections::BTreeSet;

use super::turned;
use crate::arena::SideTable;
use crate::graph::{Graph, Node, NodeId, Op, TensorType};

/// The graph with its copies, and the nodes that are stored because they are such copies.
pub(super) fn prepare(graph: &Graph) -> (Graph, Vec<NodeId>) {
    let mut prepared = Prepared {
        graph: Graph { nodes: Default::default(), ..graph.clone() },
        copies: Vec::new(),
    };
    let mut moved: SideTable<Node, NodeId> = SideTable::new(&graph.nodes, NodeId::new(0));
    for (id, node) in graph.nodes.iter() {
        let mut node = node.clone();
        for operand in &mut node.operands {
            *operand = moved[*operand];
        }
        prepared.windows_left(&mut node);
        prepared.copy_right_operand(&mut node);
        turned::turn(&mut prepared.graph, &mut node);
        moved[id] = prepared.graph.nodes.push(node);
    }
    for result in &mut prepared.graph.results {
        result.node = moved[result.node];
    }
    prepared.copy_shared_results();
    (prepared.graph, prepared.copies)
}

/// Whether a contraction has free axes on both sides.
pub(super) fn is_matrix_product(graph: &Graph, node: NodeId) -> bool {
    let Op::Contract { batch, contracted } = graph.op(node) else { return false };
    graph.operands(node).iter().all(|operand| graph.ty(*operand).rank() > batch + contracted)
}

/// Shorter axes leave most of the lanes of an instruction unused.
pub(super) const NARROW: i64 = 8;

struct Prepared {
    graph: Graph,
    copies: Vec<NodeId>,
}

impl Prepared {
    fn push(&mut self, op: Op, operand: NodeId, ty: TensorType) -> NodeId {
        let origin = self.graph.node(operand).origin;
        self.graph.nodes.push(Node { op, operands: vec![operand], types: vec![ty], origin })
    }

    /// Windows are never copied, because that would write them out, and as rows they are read where they are.
    /// They stay on the right if lanes can run along them and the other side is too narrow for lanes.
    fn windows_left(&mut self, node: &mut Node) {
        let Op::Contract { batch, contracted } = node.op else { return };
        let [left, right] = [node.operands[0], node.operands[1]];
        let free = |operand: NodeId| self.graph.ty(operand).rank() - batch - contracted;
        let (lefts, rights) = (free(left), free(right));
        if lefts == 0 || rights == 0 {
            return;
        }
        let in_place = innermost(&self.graph, right) == Some(batch + rights - 1);
        let narrow = self.graph.shape(left)[batch + lefts - 1].as_constant();
        let narrow = narrow.is_some_and(|extent| extent < NARROW);
        let sees_windows = |operand| sees_windows(&self.graph, operand);
        if !sees_windows(right) || sees_windows(left) || in_place && narrow {
            return;
        }
        let ty = node.types[0].clone();
        let windows = self.graph.ty(right).clone();
        // Taps are few: the longest axis goes last, where the rows of a tile are.
        let mut rows: Vec<usize> = (batch..batch + rights).collect();
        rows.sort_by_key(|axis| windows.shape[*axis].as_constant().unwrap_or(i64::MAX));
        let summed = batch + rights..windows.rank();
        let order: Vec<usize> = (0..batch).chain(rows.iter().copied()).chain(summed).collect();
        let permuted = |ty: &TensorType, order: &[usize]| {
            TensorType::new(ty.element, order.iter().map(|axis| ty.shape[*axis].clone()).collect())
        };
        let first = permuted(&windows, &order);
        let first = self.push(Op::Transpose { permutation: order }, right, first);
        // Where each axis of the product stands in the result of the node, and back.
        let rows = rows.iter().map(|axis| axis + lefts);
        let order: Vec<usize> = (0..batch).chain(rows).chain(batch..batch + lefts).collect();
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(position, axis)| back[*axis] = position);
        let mut swapped = Node {
            operands: vec![first, left],
            types: vec![permuted(&ty, &order)],
            ..node.clone()
        };
        self.copy_right_operand(&mut swapped);
        let product = self.graph.nodes.push(swapped);
        let op = Op::Transpose { permutation: back };
        *node = Node { op, operands: vec![product], types: vec![ty], origin: node.origin };
    }

    fn copy_right_operand(&mut self, node: &mut Node) {
        let Op::Contract { batch, contracted } = node.op else { return };
        let (left, right) = (node.operands[0], node.operands[1]);
        let (left_rank, rank) = (self.graph.ty(left).rank(), self.graph.ty(right).rank());
        if left_rank == batch + contracted || rank == batch + contracted {
            return;
        }
        let inner = innermost(&self.graph, right);
        if inner == Some(rank - contracted - 1) || inner == Some(rank - 1) {
            return;
        }
        let free = batch..rank - contracted;
        let order: Vec<usize> = (0..batch).chain(rank - contracted..rank).chain(free).collect();
        let mut back = vec![0; rank];
        for (position, axis) in order.iter().enumerate() {
            back[*axis] = position;
        }
        let ty = self.graph.ty(right).clone();
        let shape = order.iter().map(|axis| ty.shape[*axis].clone()).collect();
        let copy = self.push(
            Op::Transpose { permutation: order },
            right,
            TensorType::new(ty.element, shape),
        );
        self.copies.push(copy);
        node.operands[1] = self.push(Op::Transpose { permutation: back }, copy, ty);
    }

    fn copy_shared_results(&mut self) {
        let mut taken = BTreeSet::new();
        for position in 0..self.graph.results.len() {
            let node = self.graph.results[position].node;
            if matches!(self.graph.op(node), Op::Parameter(_)) || !taken.insert(node) {
                let ty = self.graph.ty(node).clone();
                self.graph.results[position].node = self.push(Op::Convert, node, ty);
            }
        }
    }
}

/// Whether a node is a view of a tensor through windows, which overlap there.
fn sees_windows(graph: &Graph, node: NodeId) -> bool {
    let views = matches!(
        graph.op(node),
        Op::Transpose { .. } | Op::Slice { .. } | Op::Broadcast { .. } | Op::Reverse { .. }
    );
    matches!(graph.op(node), Op::Window(_)) || views && sees_windows(graph, graph.operands(node)[0])
}

/// The axis of a node that is innermost in memory, if the node is a view of one that will be in memory.
pub(super) fn innermost(graph: &Graph, node: NodeId) -> Option<usize> {
    let operands = graph.operands(node);
    if let Op::Transpose { permutation } = graph.op(node) {
        let inner = innermost(graph, operands[0])?;
        permutation.iter().position(|axis| *axis == inner)
    } else if let Op::Broadcast { axes } = graph.op(node) {
        innermost(graph, operands[0]).map(|axis| axes[axis])
    } else if let Op::Reverse { axes } = graph.op(node) {
        innermost(graph, operands[0]).filter(|axis| !axes.contains(axis))
    } else if let Op::Window(sliding) = graph.op(node) {
        innermost(graph, operands[0]).filter(|axis| sliding.strides[*axis].is(1))
    } else if matches!(graph.op(node), Op::Slice { .. }) {
        innermost(graph, operands[0])
    } else {
        graph.ty(node).rank().checked_sub(1)
    }
}
