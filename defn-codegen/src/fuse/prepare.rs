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
//! ```
//!
//! The second: a contraction with free axes on both sides runs with lanes along the last free axis of the right operand,
//! or along the last contracted axis, so that operand must have one of the two innermost in memory.
//! Afterwards: see above. Never here: deciding which kernel a node belongs to.

use std::collections::BTreeSet;

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
        prepared.copy_right_operand(&mut node);
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

struct Prepared {
    graph: Graph,
    copies: Vec<NodeId>,
}

impl Prepared {
    fn push(&mut self, op: Op, operand: NodeId, ty: TensorType) -> NodeId {
        let origin = self.graph.node(operand).origin;
        self.graph.nodes.push(Node { op, operands: vec![operand], types: vec![ty], origin })
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

/// The axis of a node that is innermost in memory, if the node is a view of one that will be in memory.
fn innermost(graph: &Graph, node: NodeId) -> Option<usize> {
    let operands = graph.operands(node);
    if let Op::Transpose { permutation } = graph.op(node) {
        let inner = innermost(graph, operands[0])?;
        permutation.iter().position(|axis| *axis == inner)
    } else if let Op::Broadcast { axes } = graph.op(node) {
        innermost(graph, operands[0]).map(|axis| axes[axis])
    } else if matches!(graph.op(node), Op::Slice { .. }) {
        innermost(graph, operands[0])
    } else {
        graph.ty(node).rank().checked_sub(1)
    }
}
