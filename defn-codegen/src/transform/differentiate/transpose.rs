//! Cotangents: how the result moves with each tangent.
//!
//! In:  a graph with the tangent of its first result.   Out: the same, and the cotangent of every tangent node.
//!
//! ```text
//! before                                     after
//! %2: f32[4] = mul d_x, %0                   %4: f32 = constant 1.0              the cotangent of %3
//! %3: f32 = reduce.add %2 axes=[0]           %5: f32[4] = broadcast %4 axes=[]   the cotangent of %2
//!                                            %6: f32[4] = mul %5, %0             the cotangent of d_x
//! ```
//!
//! The walk is backward: when a node is reached, all its uses have added their share.
//! If z = A·dx with cotangent z̄, the cotangent of dx is Aᵀ·z̄, and there is one rule for each linear primitive.
//! A rule names only cotangents and primal values, so the tangent nodes are needed by nothing afterwards.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::bug;
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Element, Equation, Node, NodeId, Op, Scalar, Times, Unary,
};

use super::checkpoint::keeps_inputs;
use super::parts::{self, Part};
use super::{Draft, implicit, others};

/// The cotangent of a tangent that is known from outside.
pub(super) struct Seed {
    /// The tangent.
    pub(super) tangent: NodeId,
    /// Its cotangent.
    pub(super) cotangent: NodeId,
}

/// The graph, and for each of the nodes that `linear` marks as tangents its cotangent; `None` is zero.
pub(super) fn transpose(
    draft: Draft,
    linear: &SideTable<Node, bool>,
    seeds: Vec<Seed>,
) -> (Draft, Vec<Option<NodeId>>) {
    let linear: Vec<bool> = linear.iter().copied().collect();
    let size = linear.len();
    let mut transposition = Transposition {
        draft,
        linear,
        cotangents: vec![None; size],
        parts: BTreeMap::new(),
        results: BTreeMap::new(),
    };
    for Seed { tangent, cotangent } in seeds {
        transposition.give(tangent, cotangent);
    }
    for index in (0..size).rev() {
        if transposition.linear[index] {
            transposition.visit(NodeId::new(index));
        }
    }
    (transposition.draft, transposition.cotangents)
}

/// A walk from the results to the tangents of the parameters.
pub(super) struct Transposition {
    pub(super) draft: Draft,
    linear: Vec<bool>,
    cotangents: Vec<Option<NodeId>>,
    /// Shares of parts of a tangent.
    parts: BTreeMap<NodeId, Vec<Part>>,
    /// For each node that runs bodies the cotangents of its results.
    results: BTreeMap<NodeId, Vec<Option<NodeId>>>,
}

impl Transposition {
    /// Whether a node is a tangent. What the walk itself has added is none.
    pub(super) fn is_linear(&self, node: NodeId) -> bool {
        self.linear.get(node.index()).copied().unwrap_or(false)
    }

    /// Adds a share to the cotangent of a tangent.
    pub(super) fn give(&mut self, tangent: NodeId, share: NodeId) {
        let sum = match self.cotangents[tangent.index()] {
            Some(sum) => self.draft.add(sum, share),
            None => share,
        };
        self.cotangents[tangent.index()] = Some(sum);
    }

    /// What a node was given so far, if it is a tangent. Whoever takes it gives it back with more.
    pub(super) fn taken(&mut self, node: NodeId) -> Option<NodeId> {
        if self.is_linear(node) { self.cotangents[node.index()].take() } else { None }
    }

    fn visit(&mut self, id: NodeId) {
        let node = self.draft.builder.graph().node(id).clone();
        if let Some(parts) = self.parts.remove(&id) {
            self.draft.builder.set_origin(node.origin);
            for Part { starts, share } in parts::joined(&mut self.draft, parts) {
                let whole = self.unslice(&starts, &node.types[0].shape, share);
                self.give(id, whole);
            }
        }
        if let Op::Call { callee, symbols } = &node.op {
            let cotangents = match node.types.len() {
                1 => Some(vec![self.cotangents[id.index()]]),
                _ => self.results.remove(&id),
            };
            if let Some(cotangents) = cotangents.filter(|all| all.iter().any(Option::is_some)) {
                self.draft.builder.set_origin(node.origin);
                self.by_rule(&node, (callee, symbols), &cotangents);
            }
            return;
        }
        if node.op.is_control() {
            if let Some(cotangents) = self.results.remove(&id) {
                self.draft.builder.set_origin(node.origin);
                self.control(&node, &cotangents);
            }
            return;
        }
        let Some(cotangent) = self.cotangents[id.index()] else { return };
        if let Op::Project(position) = &node.op {
            let count = self.draft.builder.graph().node(node.operands[0]).types.len();
            let results = self.results.entry(node.operands[0]);
            results.or_insert_with(|| vec![None; count])[*position] = Some(cotangent);
            return;
        }
        self.draft.builder.set_origin(node.origin);
        if let Op::Implicit(Equation::Linear) = &node.op {
            // How the solution was found is nothing that moves.
            let [_, matrices, sides] = node.operands[..] else {
                bug!("transform", "a linear equation of {} operands", node.operands.len())
            };
            let share = implicit::cotangent(&mut self.draft, matrices, cotangent);
            return self.give(sides, share);
        }
        for (position, operand) in node.operands.iter().enumerate() {
            if !self.is_linear(*operand) {
                continue;
            }
            if let Op::Slice { starts } = &node.op {
                let part = Part { starts: starts.clone(), share: cotangent };
                self.parts.entry(*operand).or_default().push(part);
            } else {
                let share = self.share(&node, position, cotangent);
                self.give(*operand, share);
            }
        }
    }

    fn control(&mut self, node: &Node, cotangents: &[Option<NodeId>]) {
        if let Op::Repeat(repeat) = &node.op {
            match repeat.times {
                Times::Extent(_) if keeps_inputs(repeat) => {
                    self.checkpoint(node, repeat, cotangents);
                }
                Times::Extent(_) => self.repeat(node, repeat, cotangents),
                Times::While(_) => self.unbounded(node, repeat, cotangents),
            }
        } else if let Op::Branch(branch) = &node.op {
            self.branch(node, branch, cotangents);
        }
    }

    /// The share of operand `position` in the cotangent of a linear node: the rule of each primitive.
    fn share(&mut self, node: &Node, position: usize, cotangent: NodeId) -> NodeId {
        let operand = node.operands[position];
        let shape = self.draft.builder.shape(operand);
        let builder = &mut self.draft.builder;
        match &node.op {
            Op::Unary(Unary::Neg) => self.draft.neg(cotangent),
            Op::Binary(binary) => self.binary(*binary, node, position, cotangent),
            Op::Select => self.arm(node, position, cotangent),
            Op::Convert => {
                let element = builder.ty(operand).element;
                builder.convert(element, cotangent)
            }
            Op::Broadcast { axes } => {
                let repeated = others(axes, node.types[0].rank());
                self.draft.sum(cotangent, &repeated)
            }
            Op::Transpose { permutation } => {
                let mut inverse = vec![0; permutation.len()];
                permutation.iter().enumerate().for_each(|(to, from)| inverse[*from] = to);
                builder.transpose(cotangent, &inverse)
            }
            Op::Reshape => builder.reshape(cotangent, &shape),
            Op::Pad { low, high } => match position {
                0 => builder.slice(cotangent, low, &shape),
                _ => self.padding(low, high, node.operands[0], cotangent),
            },
            Op::Reverse { axes } => builder.reverse(cotangent, axes),
            Op::Window(sliding) => builder.overlap_add(cotangent, sliding.clone(), &shape),
            Op::OverlapAdd(sliding) => builder.window(cotangent, sliding.clone(), &shape),
            Op::Concat { axis } => self.part(*axis, node, position, cotangent),
            Op::Take { batch } => self.untake(*batch, node, cotangent),
            Op::AddAt { .. } if position == 0 => cotangent,
            Op::AddAt { batch } => self.added(*batch, node, cotangent),
            Op::Scan { combine: Combine::Add, axis, reverse } => {
                builder.scan(Combine::Add, cotangent, *axis, !reverse)
            }
            Op::Reduce { combine: Combine::Add, axes } => {
                self.draft.repeat(cotangent, axes, operand)
            }
            Op::Contract { batch, contracted } => {
                self.contract([*batch, *contracted], node, position, cotangent)
            }
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Slice { .. }
            | Op::Unary(_)
            | Op::Compare(_)
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Argsort { .. }
            | Op::Reduce { .. }
            | Op::Implicit(_)
            | Op::Call { .. }
            | Op::Repeat(_)
            | Op::Branch(_)
            | Op::Inspect(_)
            | Op::Project(_) => bug!("transform", "{:?} is not linear", node.op),
        }
    }

    fn binary(
        &mut self,
        binary: Binary,
        node: &Node,
        position: usize,
        cotangent: NodeId,
    ) -> NodeId {
        let other = node.operands[1 - position];
        match binary {
            Binary::Add => cotangent,
            Binary::Mul if !self.is_linear(other) => self.draft.mul(cotangent, other),
            Binary::Div if position == 0 => self.draft.div(cotangent, other),
            Binary::Mul
            | Binary::Div
            | Binary::Sub
            | Binary::Rem
            | Binary::Pow
            | Binary::Atan2
            | Binary::Max
            | Binary::Min
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::ShiftLeft
            | Binary::ShiftRight => bug!("transform", "{} is not linear here", binary.word()),
        }
    }

    /// Of an arm of a selection: the share where it was chosen.
    fn arm(&mut self, node: &Node, position: usize, cotangent: NodeId) -> NodeId {
        let zero = self.draft.number(0.0, cotangent);
        let (then, otherwise) = if position == 1 { (cotangent, zero) } else { (zero, cotangent) };
        self.draft.select(node.operands[0], then, otherwise)
    }

    /// Of one of several behind each other: its part.
    fn part(&mut self, axis: usize, node: &Node, position: usize, cotangent: NodeId) -> NodeId {
        let builder = &mut self.draft.builder;
        let shape = builder.shape(node.operands[position]);
        let mut starts = vec![Dim::from(0); shape.len()];
        starts[axis] = node.operands[..position]
            .iter()
            .map(|before| builder.shape(*before)[axis].clone())
            .fold(Dim::from(0), |sum, extent| sum + extent);
        builder.slice(cotangent, &starts, &shape)
    }

    /// Of a slice: its place in zeros.
    fn unslice(&mut self, starts: &[Dim], shape: &[Dim], cotangent: NodeId) -> NodeId {
        let sizes = self.draft.builder.shape(cotangent);
        if sizes == shape {
            return cotangent;
        }
        let behind: Vec<Dim> = shape
            .iter()
            .zip(starts.iter().zip(&sizes))
            .map(|(extent, (start, size))| extent.clone() - start.clone() - size.clone())
            .collect();
        let element = self.draft.ty(cotangent).element;
        let zero = self.draft.splat(Scalar::from_i64(element, 0), &[]);
        self.draft.builder.pad(cotangent, zero, starts, &behind)
    }

    /// Of the value of a padding: the sum over all places where it stands.
    fn padding(&mut self, low: &[Dim], high: &[Dim], padded: NodeId, cotangent: NodeId) -> NodeId {
        let builder = &mut self.draft.builder;
        let shape = builder.shape(padded);
        let inside = builder.splat(Scalar::from_i64(Element::Bool, 1), &shape);
        let outside = builder.constant(Scalar::from_i64(Element::Bool, 0));
        let inside = builder.pad(inside, outside, low, high);
        let zero = self.draft.number(0.0, cotangent);
        let around = self.draft.select(inside, zero, cotangent);
        let axes: Vec<usize> = (0..shape.len()).collect();
        self.draft.sum(around, &axes)
    }

    /// Of what was taken from: every share added where it was taken, that is at the clamped position.
    /// Where nothing could be taken (n = 0) the clamped position 0 is outside, so that the share is dropped.
    fn untake(&mut self, batch: usize, node: &Node, cotangent: NodeId) -> NodeId {
        let (source, index) = (node.operands[0], node.operands[1]);
        let ty = self.draft.ty(source);
        let zeros = self.draft.zero(&ty);
        let [zero, last, _] = self.bounds(ty.shape[batch].clone(), index);
        let builder = &mut self.draft.builder;
        let clamped = builder.binary(Binary::Min, index, last);
        let clamped = builder.binary(Binary::Max, clamped, zero);
        builder.add_at(zeros, clamped, cotangent, batch)
    }

    /// Of what was added: the share at its position, and nothing if that was outside.
    fn added(&mut self, batch: usize, node: &Node, cotangent: NodeId) -> NodeId {
        let (source, index) = (node.operands[0], node.operands[1]);
        let extent = self.draft.builder.shape(source)[batch].clone();
        let [zero, _, extent] = self.bounds(extent, index);
        let builder = &mut self.draft.builder;
        let taken = builder.take(cotangent, index, batch);
        let from_first = builder.compare(Comparison::Ge, index, zero);
        let before_end = builder.compare(Comparison::Lt, index, extent);
        let inside = builder.binary(Binary::And, from_first, before_end);
        let shape = builder.shape(taken);
        let axes: Vec<usize> = (0..builder.ty(index).rank()).collect();
        let inside = builder.broadcast(inside, &shape, &axes);
        let nothing = self.draft.number(0.0, taken);
        self.draft.select(inside, taken, nothing)
    }

    /// 0, `extent` − 1 and `extent` in every place of `index`.
    fn bounds(&mut self, extent: Dim, index: NodeId) -> [NodeId; 3] {
        let builder = &mut self.draft.builder;
        let shape = builder.shape(index);
        let last = extent.clone() - Dim::from(1);
        [Dim::from(0), last, extent].map(|dim| {
            let node = builder.extent(dim);
            builder.broadcast(node, &shape, &[])
        })
    }

    /// Of z = x ×ᵢⱼₖ y with axes [batch, i, k] and [batch, j, k]: x̄[i, k] = Σⱼ z̄[i, j] y[j, k] and ȳ[j, k] = Σᵢ z̄[i, j] x[i, k].
    fn contract(
        &mut self,
        [batch, contracted]: [usize; 2],
        node: &Node,
        position: usize,
        cotangent: NodeId,
    ) -> NodeId {
        let rank = |draft: &Draft, side: usize| {
            draft.builder.ty(node.operands[side]).rank() - batch - contracted
        };
        let (left, right) = (rank(&self.draft, 0), rank(&self.draft, 1));
        let other = node.operands[1 - position];
        let builder = &mut self.draft.builder;
        if position == 0 {
            let other = swap_behind(builder, other, batch, right);
            builder.contract(cotangent, other, batch, right)
        } else {
            let other = swap_behind(builder, other, batch, left);
            let cotangent = swap_behind(builder, cotangent, batch, left);
            builder.contract(cotangent, other, batch, left)
        }
    }
}

/// Moves the `count` axes behind the first `batch` to the end.
fn swap_behind(builder: &mut Builder, node: NodeId, batch: usize, count: usize) -> NodeId {
    let rank = builder.ty(node).rank();
    let permutation: Vec<usize> =
        (0..batch).chain(batch + count..rank).chain(batch..batch + count).collect();
    builder.transpose(node, &permutation)
}
