//! Floats of 16 bits are kept and moved as they are, and computed with as `f32`.
//!
//! ```text
//! before                                      after
//! %0: bf16[n, m] = mul x, y                   %0: f32[n, m] = convert x
//! %1: bf16[n] = contract %0, z                %1: f32[n, m] = convert y
//!                                             %2: f32[n, m] = mul %0, %1
//!                                             %3: bf16[n, m] = convert %2         rounded after each function,
//!                                             %4: f32[n, m] = convert %3
//!                                             %5: f32[n, m] = convert z
//!                                             %6: f32[n] = contract %4, %5
//!                                             %7: bf16[n] = convert %6            and after all terms of a sum
//! ```
//!
//! An `f32` has more than twice as many bits and two, so that `+ − · / √` of two such numbers, rounded to `f32` and then once more, are
//! what they would be if they were rounded once.
//! What is seen through views is converted in front of them, so that a view of memory stays one.
//! Afterwards: only conversions, movements and choices have operands or results of 16 bits.
//! Never here: dropping a rounding.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::graph::prune::prune;
use crate::graph::{Element, Graph, Node, NodeId, Op, Scalar, TensorType, eval};

/// The graph in which nothing is computed with 16 bits; none if that is the one that is given.
pub(super) fn widened(graph: &Graph) -> Option<Graph> {
    let is_half = |node: &Node| node.types.iter().any(|ty| ty.element.is_half());
    if !graph.nodes.iter().any(|(_, node)| is_half(node)) {
        return None;
    }
    let mut widened = Widened {
        graph: Graph { nodes: Default::default(), ..graph.clone() },
        wide: BTreeMap::new(),
    };
    let mut moved: SideTable<Node, NodeId> = SideTable::new(&graph.nodes, NodeId::new(0));
    for (id, node) in graph.nodes.iter() {
        let mut node = node.clone();
        for operand in &mut node.operands {
            *operand = moved[*operand];
        }
        moved[id] = widened.node(node);
    }
    for result in &mut widened.graph.results {
        result.node = moved[result.node];
    }
    // What was a view of 16 bits has no user any more if all its users compute.
    Some(prune(&widened.graph))
}

struct Widened {
    graph: Graph,
    /// The values of 16 bits that exist as `f32` too.
    wide: BTreeMap<NodeId, NodeId>,
}

impl Widened {
    fn node(&mut self, mut node: Node) -> NodeId {
        if !computes(&node.op) {
            return self.graph.nodes.push(node);
        }
        let result = node.types[0].element;
        if node.op == Op::Convert {
            let from = self.graph.ty(node.operands[0]).element;
            // There and back are conversions already.
            if from == result || !from.is_half() || result == Element::F32 {
                return self.graph.nodes.push(node);
            }
            node.operands[0] = self.wide(node.operands[0]);
            return self.graph.nodes.push(node);
        }
        for operand in &mut node.operands {
            *operand = self.wide(*operand);
        }
        if !result.is_half() {
            return self.graph.nodes.push(node);
        }
        let narrow = node.types[0].clone();
        node.types[0].element = Element::F32;
        let origin = node.origin;
        let computed = self.graph.nodes.push(node);
        self.graph.nodes.push(Node {
            op: Op::Convert,
            operands: vec![computed],
            types: vec![narrow],
            origin,
        })
    }

    /// A value as `f32`, if it is one of 16 bits; else the value.
    fn wide(&mut self, node: NodeId) -> NodeId {
        if !self.graph.ty(node).element.is_half() {
            return node;
        }
        if let Some(known) = self.wide.get(&node) {
            return *known;
        }
        let mut content = self.graph.node(node).clone();
        content.types[0].element = Element::F32;
        if let Op::Constant(scalar) = content.op {
            content.op = Op::Constant(wide_constant(scalar));
        } else if is_view(&content.op) {
            content.operands[0] = self.wide(content.operands[0]);
        } else {
            let types = vec![TensorType::new(Element::F32, self.graph.shape(node).to_vec())];
            content = Node { op: Op::Convert, operands: vec![node], types, origin: content.origin };
        }
        let wide = self.graph.nodes.push(content);
        self.wide.insert(node, wide);
        wide
    }
}

fn wide_constant(scalar: Scalar) -> Scalar {
    eval::convert(Element::F32, scalar)
}

/// Whether elements stand elsewhere and are the same.
fn is_view(op: &Op) -> bool {
    matches!(
        op,
        Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Reverse { .. }
            | Op::Window(_)
    )
}

/// Whether elements are computed from others, and not only moved or chosen.
fn computes(op: &Op) -> bool {
    match op {
        Op::Unary(_)
        | Op::Binary(_)
        | Op::Compare(_)
        | Op::Convert
        | Op::OverlapAdd(_)
        | Op::AddAt { .. }
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Reduce { .. }
        | Op::Contract { .. } => true,
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Select
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Reverse { .. }
        | Op::Window(_)
        | Op::Concat { .. }
        | Op::Take { .. }
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Implicit(_)
        | Op::Inspect(_)
        | Op::Project(_) => false,
    }
}
