//! What is the same, or its opposite, when two axes change places: pairs of one set of things.
//!
//! In:  a sum along one of such a pair of axes.   Out: the sum along the other, which may exist already.
//!
//! ```text
//! before, where x[i, j] = a[i] − a[j]               after
//! %3: f32[n] = reduce.add %2 axes=[0]               %3: f32[n] = reduce.add %2 axes=[1]
//! %4: f32[n] = reduce.add %2 axes=[1]               %4: f32[n] = sub 0, %3
//! %5: f32[n] = sub %4, %3                           %5: f32[n] = sub %3, %4
//! ```
//!
//! The gradient of what depends on distances asks for both sums, and computing one of them means to visit every pair.
//! A sum begins with +0 and therefore never is −0, so that zeros of either sign may be added, and the opposite of a sum s is 0 − s.
//! Afterwards: where both axes would do, the last one is summed.
//! Never here: sums over several axes, whose elements would come in another order.

use std::collections::BTreeMap;

use crate::arena::SideTable;
use crate::graph::{Binary, Combine, Comparison, Graph, Node, NodeId, Op, Unary};

use super::contraction::{Factor, moved};
use super::share::Sharing;

/// What a value becomes when two of its axes change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parity {
    /// Itself, bit by bit.
    Same,
    /// Itself, but for the signs of zeros.
    Even,
    /// Its opposite, but for the signs of zeros.
    Odd,
}

use Parity::{Even, Odd, Same};

/// The sum that node `id` of `graph` is, along a later axis or of what is not negated; `values` says what its nodes have become.
pub(super) fn sum(
    sharing: &mut Sharing,
    graph: &Graph,
    values: &SideTable<Node, NodeId>,
    id: NodeId,
) -> Option<NodeId> {
    let Op::Reduce { combine: Combine::Add, axes } = graph.op(id) else { return None };
    if !graph.element(id).is_float() {
        return None;
    }
    let operand = graph.operands(id)[0];
    // Σ −x = 0 − Σ x
    let negated = *graph.op(operand) == Op::Unary(Unary::Neg);
    let term = if negated { graph.operands(operand)[0] } else { operand };
    let along = later(graph, axes, term);
    if !negated && along.is_none() {
        return None;
    }
    let opposite = negated != matches!(along, Some((_, _, Odd)));
    let sum = match along {
        Some((from, to, _)) => {
            let sum = sharing.reduce(Combine::Add, values[term], &[to]);
            let rank = graph.ty(term).rank();
            let left: Vec<usize> = (0..rank).filter(|axis| *axis != to).collect();
            let exchanged = |axis: usize| if axis == to { from } else { axis };
            let order = (0..rank).filter(|axis| *axis != from);
            let order = order.map(|axis| left.iter().position(|kept| *kept == exchanged(axis)));
            sharing.transpose(sum, &order.collect::<Option<Vec<usize>>>()?)
        }
        None => sharing.reduce(Combine::Add, values[term], axes),
    };
    Some(if opposite {
        let zero = sharing.splat_like(0.0, sum);
        sharing.binary(Binary::Sub, zero, sum)
    } else {
        sum
    })
}

/// The only summed axis, a later one that could be summed instead, and what changes then.
fn later(graph: &Graph, axes: &[usize], term: NodeId) -> Option<(usize, usize, Parity)> {
    let [from] = axes else { return None };
    let shape = graph.shape(term);
    let mut mirror = Mirror { graph, known: BTreeMap::new() };
    let mut found = |to: usize| Some((*from, to, mirror.parity(term, (*from, to))?));
    (*from + 1..shape.len()).rev().filter(|to| shape[*to] == shape[*from]).find_map(&mut found)
}

/// Two axes.
type Pair = (usize, usize);

/// What was found out about each value and pair of its axes.
struct Mirror<'g> {
    graph: &'g Graph,
    known: BTreeMap<(NodeId, Pair), Option<Parity>>,
}

impl Mirror<'_> {
    /// What a value becomes when the axes of a pair change places; none if that is not known.
    fn parity(&mut self, node: NodeId, pair: Pair) -> Option<Parity> {
        let pair = (pair.0.min(pair.1), pair.0.max(pair.1));
        if let Some(known) = self.known.get(&(node, pair)) {
            return *known;
        }
        let parity = self.of(node, pair);
        self.known.insert((node, pair), parity);
        parity
    }

    fn all_same(&mut self, node: NodeId, pair: Pair) -> Option<Parity> {
        let mut operands = self.graph.operands(node).iter();
        operands.all(|operand| self.parity(*operand, pair) == Some(Same)).then_some(Same)
    }

    fn of(&mut self, node: NodeId, pair: Pair) -> Option<Parity> {
        let graph = self.graph;
        let operands = graph.operands(node);
        match graph.op(node) {
            Op::Broadcast { axes } => {
                let at = |axis: usize| axes.iter().position(|candidate| *candidate == axis);
                match (at(pair.0), at(pair.1)) {
                    (Some(first), Some(second)) => self.parity(operands[0], (first, second)),
                    (None, None) => Some(Same),
                    _ => None,
                }
            }
            Op::Transpose { permutation } => {
                self.parity(operands[0], (permutation[pair.0], permutation[pair.1]))
            }
            Op::Unary(Unary::Neg) => self.parity(operands[0], pair),
            Op::Unary(Unary::Abs) => self.parity(operands[0], pair).map(|_| Same),
            Op::Unary(_) | Op::Convert => self.all_same(node, pair),
            Op::Binary(binary) => {
                let [x, y] = [operands[0], operands[1]];
                if are_exchanged(graph, [x, y], pair) {
                    return of_exchanged(*binary);
                }
                let (left, right) = (self.parity(x, pair)?, self.parity(y, pair)?);
                combined(*binary, [left, right], x == y)
            }
            Op::Compare(comparison) => {
                let equal = matches!(comparison, Comparison::Eq | Comparison::Ne);
                let exchanged = equal && are_exchanged(graph, [operands[0], operands[1]], pair);
                if exchanged { Some(Same) } else { self.all_same(node, pair) }
            }
            Op::Select => self.of_selection(node, pair),
            Op::Reduce { combine, axes } => self.of_reduction(operands[0], (*combine, axes), pair),
            Op::Contract { batch, contracted } => {
                self.of_contraction(node, (*batch, *contracted), pair)
            }
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Pad { .. }
            | Op::Reverse { .. }
            | Op::Window(_)
            | Op::OverlapAdd(_)
            | Op::Concat { .. }
            | Op::Take { .. }
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Argsort { .. }
            | Op::Implicit(_)
            | Op::Call { .. }
            | Op::Repeat(_)
            | Op::Branch(_)
            | Op::Inspect(_)
            | Op::Project(_) => None,
        }
    }

    fn of_selection(&mut self, node: NodeId, pair: Pair) -> Option<Parity> {
        let [condition, then, otherwise] = self.graph.operands(node)[..] else { return None };
        if self.parity(condition, pair) != Some(Same) {
            return None;
        }
        let arms = [then, otherwise].map(|arm| self.parity(arm, pair).map(|parity| (arm, parity)));
        let [then, otherwise] = arms;
        either([then?, otherwise?], self.graph)
    }

    fn of_reduction(
        &mut self,
        operand: NodeId,
        (combine, axes): (Combine, &[usize]),
        pair: Pair,
    ) -> Option<Parity> {
        let rank = self.graph.ty(operand).rank();
        let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
        let found = self.parity(operand, (kept[pair.0], kept[pair.1]))?;
        (combine == Combine::Add || found == Same).then_some(found)
    }

    fn of_contraction(
        &mut self,
        node: NodeId,
        (batch, contracted): (usize, usize),
        pair: Pair,
    ) -> Option<Parity> {
        let [x, y] = self.graph.operands(node)[..] else { return None };
        if pair.0 < batch && pair.1 < batch {
            let parities = [self.parity(x, pair)?, self.parity(y, pair)?];
            return combined(Binary::Mul, parities, x == y);
        }
        // Of a product with its own transpose.
        let free = self.graph.ty(x).rank() - batch - contracted;
        (x == y && free == 1 && pair == (batch, batch + 1)).then_some(Same)
    }
}

/// Whether two values are one value with the axes of the pair exchanged.
fn are_exchanged(graph: &Graph, [x, y]: [NodeId; 2], pair: Pair) -> bool {
    let core = |node: NodeId| {
        let axes = (0..graph.ty(node).rank()).collect();
        let mut core = Factor { node, axes };
        while let Some(inner) = moved(graph.node(core.node), &core.axes) {
            core = inner;
        }
        core
    };
    let exchanged = |axis: &usize| match *axis {
        axis if axis == pair.0 => pair.1,
        axis if axis == pair.1 => pair.0,
        axis => axis,
    };
    let (left, right) = (core(x), core(y));
    left.node == right.node && left.axes.iter().map(exchanged).eq(right.axes.iter().copied())
}

/// f(y, x) where f(x, y) was: sums and products are the same, and the difference is the opposite.
fn of_exchanged(binary: Binary) -> Option<Parity> {
    match binary {
        Binary::Add | Binary::Mul | Binary::And | Binary::Or | Binary::Xor => Some(Same),
        Binary::Sub => Some(Odd),
        Binary::Div
        | Binary::Rem
        | Binary::Max
        | Binary::Min
        | Binary::Pow
        | Binary::Atan2
        | Binary::ShiftLeft
        | Binary::ShiftRight => None,
    }
}

/// f(x, y) of operands of known parity; `square` if they are one.
fn combined(binary: Binary, [x, y]: [Parity; 2], square: bool) -> Option<Parity> {
    if (x, y) == (Same, Same) {
        return Some(Same);
    }
    match (binary, x == Odd, y == Odd) {
        (Binary::Mul, ..) if square => Some(Same),
        (Binary::Add | Binary::Sub, true, true) => Some(Odd),
        (Binary::Add | Binary::Sub, false, false) => Some(Even),
        (Binary::Mul, left, right) => Some(if left == right { Even } else { Odd }),
        // What is divided by a zero of the other sign is the other infinity.
        (Binary::Div, left, _) if y == Same => Some(if left { Odd } else { Even }),
        _ => None,
    }
}

/// The parity of what is one of two values: zero is its own opposite.
fn either([(x, left), (y, right)]: [(NodeId, Parity); 2], graph: &Graph) -> Option<Parity> {
    let is_zero = |node: NodeId| {
        let scalar =
            if let Op::Broadcast { .. } = graph.op(node) { graph.operands(node)[0] } else { node };
        matches!(graph.op(scalar), Op::Constant(value) if value.to_f64() == 0.0)
    };
    match (left, right) {
        (left, right) if left == right => Some(left),
        (Odd, _) => is_zero(y).then_some(Odd),
        (_, Odd) => is_zero(x).then_some(Odd),
        _ => Some(Even),
    }
}
