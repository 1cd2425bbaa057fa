//! What is known when compiling is computed when compiling.
//!
//! In:  a candidate.   Out: a constant or an extent, if all operands are such.
//!
//! ```text
//! before                        after
//! %0: i64 = extent n            %0: i64 = extent 2*n + 1
//! %1: i64 = constant 1
//! %2: i64 = add %0, %0
//! %3: i64 = add %2, %1
//! ```
//!
//! Only scalars are folded: what repeats constants is repeated afterwards (see [`movement`](super::movement)).
//! Floats are folded where IEEE 754 says every bit of the result, so that it does not matter who computes it; a NaN is left to the
//! machine, and so are functions that each target rounds in its own way.

use crate::graph::{Binary, Dim, Element, NodeId, Op, Scalar, eval};

use super::Candidate;
use super::share::Sharing;

/// The candidate as a constant or an extent.
pub(super) fn fold(sharing: &mut Sharing, candidate: &Candidate<'_>) -> Option<NodeId> {
    if candidate.ty.rank() > 0 {
        return None;
    }
    if let Op::Extent(dim) = candidate.op {
        let value = Scalar::from_i64(Element::I64, dim.as_constant()?);
        return Some(sharing.constant(value));
    }
    if let Some(value) = constant(sharing, candidate) {
        let is_nan = value.element.is_float() && value.to_f64().is_nan();
        return (!is_nan).then(|| sharing.constant(value));
    }
    let dim = extent(sharing, candidate)?;
    Some(sharing.node(Op::Extent(dim), &[], candidate.ty.clone()))
}

/// The value of a function of constants.
fn constant(sharing: &Sharing, candidate: &Candidate<'_>) -> Option<Scalar> {
    let operands: Option<Vec<Scalar>> =
        candidate.operands.iter().map(|operand| literal(sharing, *operand)).collect();
    let operands = operands?;
    match candidate.op {
        Op::Unary(unary) => unary.is_exact().then(|| eval::unary(*unary, operands[0])),
        Op::Binary(binary) => match binary {
            Binary::Pow | Binary::Atan2 => None,
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Div
            | Binary::Rem
            | Binary::Max
            | Binary::Min
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::ShiftLeft
            | Binary::ShiftRight => Some(eval::binary(*binary, operands[0], operands[1])),
        },
        Op::Compare(comparison) => Some(eval::compare(*comparison, operands[0], operands[1])),
        Op::Select => Some(operands[if operands[0].bits == 1 { 1 } else { 2 }]),
        Op::Convert => Some(eval::convert(candidate.ty.element, operands[0])),
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
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
        | Op::Reduce { .. }
        | Op::Contract { .. }
        | Op::Implicit(_)
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => None,
    }
}

fn literal(sharing: &Sharing, node: NodeId) -> Option<Scalar> {
    if let Op::Constant(value) = sharing.op(node) { Some(*value) } else { None }
}

/// Sums, differences and products of extents are extents: both wrap in 64 bits.
fn extent(sharing: &Sharing, candidate: &Candidate<'_>) -> Option<Dim> {
    let Op::Binary(binary) = candidate.op else { return None };
    if candidate.ty.element != Element::I64 {
        return None;
    }
    let left = as_extent(sharing, candidate.operands[0])?;
    let right = as_extent(sharing, candidate.operands[1])?;
    match binary {
        Binary::Add => Some(left + right),
        Binary::Sub => Some(left - right),
        Binary::Mul => Some(left * right),
        Binary::Div
        | Binary::Rem
        | Binary::Pow
        | Binary::Atan2
        | Binary::Max
        | Binary::Min
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::ShiftLeft
        | Binary::ShiftRight => None,
    }
}

fn as_extent(sharing: &Sharing, node: NodeId) -> Option<Dim> {
    if let Op::Extent(dim) = sharing.op(node) {
        return Some(dim.clone());
    }
    literal(sharing, node).map(|value| Dim::from(value.to_i64()))
}
