//! Sums of products over all runs of a loop, as one product behind the loop.
//!
//! In:  what every run gives to an operand that is the same for all of them.   Out: its terms; those that are products are taken apart.
//!
//! ```text
//! in every run                                              behind the loop, over all runs at once
//! %0: f32[k, m] = contract c, s batch=0 contracted=0        %0: f32[k, n] = transpose cs permutation=[1, 0]
//! %1: f32[k, m] = add sum, %0                               %1: f32[m, n] = transpose ss permutation=[1, 0]
//!                                                           %2: f32[k, m] = contract %0, %1 batch=0 contracted=1
//! ```
//!
//! The weights of a recurrent cell get such shares: an outer product a run, which reads and writes as much as the weights are large for every
//! run, becomes a matrix product. The factors are collected for it, or are there already.
//! Done where the factors together are smaller than what they are added to.

use crate::arena::SideTable;
use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{Binary, Graph, Node, NodeId, Op};

use super::residuals::size;

/// What every run gives to an operand.
#[derive(Default)]
pub(super) struct Shares {
    /// What has to be added up in every run.
    pub(super) summed: Vec<NodeId>,
    /// What can be added up behind the loop.
    pub(super) products: Vec<Product>,
}

/// A contraction, and what is applied to it.
pub(super) struct Product {
    /// The factors.
    pub(super) factors: [NodeId; 2],
    contraction: [usize; 2],
    /// Movements of the product, the last one first.
    moved: Vec<NodeId>,
}

/// The terms of a share.
pub(super) fn shares(graph: &Graph, same: &SideTable<Node, bool>, share: NodeId) -> Shares {
    let mut found = Shares::default();
    let mut waiting = vec![share];
    while let Some(node) = waiting.pop() {
        if let Op::Binary(Binary::Add) = graph.op(node) {
            waiting.extend(graph.operands(node).iter().rev());
        } else if let Some(product) = product(graph, same, node) {
            found.products.push(product);
        } else {
            found.summed.push(node);
        }
    }
    found
}

/// A product whose factors are small, and others in every run.
fn product(graph: &Graph, same: &SideTable<Node, bool>, node: NodeId) -> Option<Product> {
    let (share, mut node, mut moved) = (node, node, Vec::new());
    while is_movement(graph, node) {
        moved.push(node);
        node = graph.operands(node)[0];
    }
    let Op::Contract { batch, contracted } = graph.op(node) else { return None };
    let factors = [graph.operands(node)[0], graph.operands(node)[1]];
    let read: f64 = factors.iter().map(|factor| size(graph.ty(*factor))).sum();
    let contraction = [*batch, *contracted];
    if factors.iter().any(|factor| same[*factor]) {
        return None;
    }
    (read < size(graph.ty(share))).then_some(Product { factors, contraction, moved })
}

/// Whether a sum may be moved instead of its terms.
fn is_movement(graph: &Graph, node: NodeId) -> bool {
    match graph.op(node) {
        Op::Transpose { .. } | Op::Reshape => true,
        Op::Pad { .. } => {
            let value = graph.operands(node)[1];
            matches!(graph.op(value), Op::Constant(scalar) if scalar.to_f64() == 0.0)
        }
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Compare(_)
        | Op::Select
        | Op::Convert
        | Op::Broadcast { .. }
        | Op::Slice { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::OverlapAdd(_)
        | Op::Concat { .. }
        | Op::Take { .. }
        | Op::AddAt { .. }
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Reduce { .. }
        | Op::Contract { .. }
        | Op::Implicit(_)
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => false,
    }
}

/// What a value is reordered from, and how.
pub(super) fn reordered(graph: &Graph, node: NodeId) -> (NodeId, Vec<usize>) {
    let mut node = node;
    let mut order: Vec<usize> = (0..graph.ty(node).rank()).collect();
    while let Op::Transpose { permutation } = graph.op(node) {
        order = order.iter().map(|axis| permutation[*axis]).collect();
        node = graph.operands(node)[0];
    }
    (node, order)
}

impl Product {
    /// The sum over all runs, from the factors of all runs, each with a first axis for them and reordered behind it.
    pub(super) fn over_runs(
        &self,
        builder: &mut Builder,
        graph: &Graph,
        factors: [(NodeId, Vec<usize>); 2],
    ) -> NodeId {
        let [batch, contracted] = self.contraction;
        let factors = factors.map(|(factor, order)| {
            // The runs are contracted, in front of what every run contracts.
            let kept = order.len() - contracted;
            let axes = order[..kept].iter().map(|axis| axis + 1).chain([0]);
            let axes: Vec<usize> = axes.chain(order[kept..].iter().map(|axis| axis + 1)).collect();
            builder.transpose(factor, &axes)
        });
        let mut sum = builder.contract(factors[0], factors[1], batch, contracted + 1);
        for node in self.moved.iter().rev() {
            sum = again(builder, graph.node(*node), sum, graph);
        }
        sum
    }
}

/// A movement of another value.
fn again(builder: &mut Builder, node: &Node, value: NodeId, graph: &Graph) -> NodeId {
    let mut operands = vec![value];
    for operand in &node.operands[1..] {
        let Op::Constant(scalar) = graph.op(*operand) else {
            bug!("transform", "a movement that depends on a run")
        };
        operands.push(builder.constant(*scalar));
    }
    builder.apply(node.op.clone(), &operands, node.types[0].clone())
}
