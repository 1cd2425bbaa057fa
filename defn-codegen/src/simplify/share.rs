//! Equal nodes are one node.
//!
//! In:  one node after the other.   Out: for each the first node that computes the same, after the rule books have seen it.
//!
//! ```text
//! before                            after
//! %0: f32 = mul x, y                %0: f32 = mul x, y
//! %1: f32 = mul y, x                %1: f32 = add %0, %0
//! %2: f32 = add %0, %1
//! ```
//!
//! Afterwards: two nodes of one primitive differ in an operand or in the type; where the order of operands has no meaning, a
//! permuted twin is the same node.

use std::collections::BTreeMap;

use crate::graph::build::Builder;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Element, Graph, Node, NodeId, Op, Output, Scalar, Sliding,
    TensorType, Unary,
};
use crate::origin::Origin;

use super::{Candidate, algebra, constant, contraction, movement};

/// What makes a node: primitive, operands, type.
type Key = (Op, Vec<NodeId>, TensorType);

/// A graph under construction in which every node is simplified, and exists once.
pub(super) struct Sharing {
    builder: Builder,
    known: BTreeMap<Key, NodeId>,
}

impl Sharing {
    /// Starts with the parameters of `graph`.
    pub(super) fn new(graph: &Graph) -> Self {
        Self { builder: Builder::head(graph), known: BTreeMap::new() }
    }

    pub(super) fn finish(self, results: Vec<Output>) -> Graph {
        self.builder.finish(results)
    }

    pub(super) fn set_origin(&mut self, origin: Origin) {
        self.builder.set_origin(origin);
    }

    /// The simplest node that computes this.
    pub(super) fn node(&mut self, op: Op, operands: &[NodeId], ty: TensorType) -> NodeId {
        let candidate = Candidate { op: &op, operands, ty: &ty };
        let simpler = constant::fold(self, &candidate)
            .or_else(|| algebra::apply(self, &candidate))
            .or_else(|| movement::apply(self, &candidate))
            .or_else(|| contraction::apply(self, &candidate));
        simpler.unwrap_or_else(|| self.share(op, operands, ty))
    }

    /// What runs bodies, once.
    pub(super) fn control(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let key = (op, operands.to_vec(), TensorType::scalar(Element::Bool));
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let node = self.builder.control_node(key.0.clone(), operands);
        self.known.insert(key, node);
        node
    }

    fn share(&mut self, op: Op, operands: &[NodeId], ty: TensorType) -> NodeId {
        let mut sorted = operands.to_vec();
        if commutes(&op) {
            sorted.sort_unstable();
        }
        let key = (op, sorted, ty);
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let node = self.builder.apply(key.0.clone(), operands, key.2.clone());
        self.known.insert(key, node);
        node
    }

    /// What a node is.
    pub(super) fn get(&self, node: NodeId) -> &Node {
        self.builder.graph().node(node)
    }

    pub(super) fn op(&self, node: NodeId) -> &Op {
        &self.get(node).op
    }

    pub(super) fn ty(&self, node: NodeId) -> &TensorType {
        self.builder.ty(node)
    }

    pub(super) fn shape(&self, node: NodeId) -> Vec<Dim> {
        self.builder.shape(node)
    }

    pub(super) fn element(&self, node: NodeId) -> Element {
        self.ty(node).element
    }

    /// The operand, if the node applies this function of one element.
    pub(super) fn as_unary(&self, node: NodeId, unary: Unary) -> Option<NodeId> {
        (*self.op(node) == Op::Unary(unary)).then(|| self.get(node).operands[0])
    }

    /// The operand and where its axes go, if the node repeats it.
    pub(super) fn as_broadcast(&self, node: NodeId) -> Option<(NodeId, &[usize])> {
        if let Op::Broadcast { axes } = self.op(node) {
            return Some((self.get(node).operands[0], axes));
        }
        None
    }

    /// The constant that stands in every place.
    pub(super) fn splat_value(&self, node: NodeId) -> Option<Scalar> {
        let scalar = self.as_broadcast(node).map_or(node, |(operand, _)| operand);
        if let Op::Constant(value) = self.op(scalar) { Some(*value) } else { None }
    }

    /// Whether `value` stands in every place.
    pub(super) fn is_splat(&self, node: NodeId, value: f64) -> bool {
        self.splat_value(node).is_some_and(|found| found == Scalar::from_f64(found.element, value))
    }

    pub(super) fn constant(&mut self, value: Scalar) -> NodeId {
        self.node(Op::Constant(value), &[], TensorType::scalar(value.element))
    }

    pub(super) fn splat(&mut self, value: Scalar, shape: &[Dim]) -> NodeId {
        let node = self.constant(value);
        self.broadcast(node, shape, &[])
    }

    /// `value` in every place of the type of `like`.
    pub(super) fn splat_like(&mut self, value: f64, like: NodeId) -> NodeId {
        let ty = self.ty(like).clone();
        self.splat(Scalar::from_f64(ty.element, value), &ty.shape)
    }

    pub(super) fn unary(&mut self, unary: Unary, x: NodeId) -> NodeId {
        let ty = self.ty(x).clone();
        self.node(Op::Unary(unary), &[x], ty)
    }

    pub(super) fn binary(&mut self, binary: Binary, x: NodeId, y: NodeId) -> NodeId {
        let ty = self.ty(x).clone();
        self.node(Op::Binary(binary), &[x, y], ty)
    }

    pub(super) fn compare(&mut self, comparison: Comparison, x: NodeId, y: NodeId) -> NodeId {
        let ty = TensorType::new(Element::Bool, self.shape(x));
        self.node(Op::Compare(comparison), &[x, y], ty)
    }

    pub(super) fn select(&mut self, condition: NodeId, then: NodeId, otherwise: NodeId) -> NodeId {
        let ty = self.ty(then).clone();
        self.node(Op::Select, &[condition, then, otherwise], ty)
    }

    pub(super) fn convert(&mut self, element: Element, x: NodeId) -> NodeId {
        let ty = TensorType::new(element, self.shape(x));
        self.node(Op::Convert, &[x], ty)
    }

    pub(super) fn broadcast(&mut self, x: NodeId, shape: &[Dim], axes: &[usize]) -> NodeId {
        let ty = TensorType::new(self.element(x), shape.to_vec());
        self.node(Op::Broadcast { axes: axes.to_vec() }, &[x], ty)
    }

    pub(super) fn transpose(&mut self, x: NodeId, permutation: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let shape = permutation.iter().map(|axis| shape[*axis].clone()).collect();
        let ty = TensorType::new(self.element(x), shape);
        self.node(Op::Transpose { permutation: permutation.to_vec() }, &[x], ty)
    }

    pub(super) fn reshape(&mut self, x: NodeId, shape: &[Dim]) -> NodeId {
        let ty = TensorType::new(self.element(x), shape.to_vec());
        self.node(Op::Reshape, &[x], ty)
    }

    pub(super) fn reverse(&mut self, x: NodeId, axes: Vec<usize>) -> NodeId {
        let ty = self.ty(x).clone();
        self.node(Op::Reverse { axes }, &[x], ty)
    }

    pub(super) fn slice(&mut self, x: NodeId, starts: Vec<Dim>, sizes: &[Dim]) -> NodeId {
        let ty = TensorType::new(self.element(x), sizes.to_vec());
        self.node(Op::Slice { starts }, &[x], ty)
    }

    pub(super) fn window(&mut self, x: NodeId, sliding: Sliding, seen: &[Dim]) -> NodeId {
        let ty = TensorType::new(self.element(x), seen.to_vec());
        self.node(Op::Window(sliding), &[x], ty)
    }

    pub(super) fn overlap_add(&mut self, x: NodeId, sliding: Sliding, shape: &[Dim]) -> NodeId {
        let ty = TensorType::new(self.element(x), shape.to_vec());
        self.node(Op::OverlapAdd(sliding), &[x], ty)
    }

    /// Zeros in front of and behind the operand.
    pub(super) fn pad_zeros(&mut self, x: NodeId, low: Vec<Dim>, high: Vec<Dim>) -> NodeId {
        let element = self.element(x);
        let widths = low.iter().zip(&high);
        let padded = self.shape(x).into_iter().zip(widths);
        let padded = padded.map(|(dim, (low, high))| dim + low.clone() + high.clone());
        let ty = TensorType::new(element, padded.collect());
        let zero = self.constant(Scalar::from_i64(element, 0));
        self.node(Op::Pad { low, high }, &[x, zero], ty)
    }

    pub(super) fn reduce(&mut self, combine: Combine, x: NodeId, axes: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
        let ty = TensorType::new(self.element(x), kept.map(|(_, dim)| dim.clone()).collect());
        self.node(Op::Reduce { combine, axes: axes.to_vec() }, &[x], ty)
    }
}

/// Whether the order of the two operands has no meaning.
fn commutes(op: &Op) -> bool {
    let Op::Binary(binary) = op else {
        return matches!(op, Op::Compare(Comparison::Eq | Comparison::Ne));
    };
    match binary {
        Binary::Add
        | Binary::Mul
        | Binary::Max
        | Binary::Min
        | Binary::And
        | Binary::Or
        | Binary::Xor => true,
        Binary::Sub
        | Binary::Div
        | Binary::Rem
        | Binary::Pow
        | Binary::Atan2
        | Binary::ShiftLeft
        | Binary::ShiftRight => false,
    }
}
