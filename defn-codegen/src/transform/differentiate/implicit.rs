//! Tangents of solutions, by differentiating the equation that they solve, and the cotangents of those that are linear.
//!
//! ```text
//! equation                          how the solution moves               backward
//! share below x of gamma(a)         dx = da · slope(a, x)
//! a·x = b                           the dx with a·dx = db − da·x         the s with aᵀ·s = the cotangent of dx
//! x = det a                         dx = x · trace(a⁻¹·da)
//! ```
//!
//! The slope is made of the solution itself, which moves by the same rule: so derivatives of any order are those of the equation.
//! Of how the solution was found nothing is kept.

use crate::graph::{Binary, Combine, Equation, NodeId, Unary};
use crate::library;

use super::Draft;

/// The tangent of the solution `z`.
pub(super) fn solution(
    draft: &mut Draft,
    equation: Equation,
    (operands, z): (&[NodeId], NodeId),
    tangents: &[Option<NodeId>],
) -> Option<NodeId> {
    match equation {
        Equation::Gamma => {
            let da = tangents[1]?;
            // Where x has vanished, so does its slope.
            let element = draft.ty(z).element;
            let tiny = draft.number(library::smallest(element), z);
            let larger = draft.builder.binary(Binary::Max, z, tiny);
            let log = draft.unary(Unary::Log, larger);
            let slope = library::log_gamma_slope(&mut draft.builder, operands[1], log);
            let slope = draft.mul(z, slope);
            Some(draft.mul(da, slope))
        }
        Equation::LogGamma => {
            let da = tangents[1]?;
            let slope = library::log_gamma_slope(&mut draft.builder, operands[1], z);
            Some(draft.mul(da, slope))
        }
        Equation::Linear => linear(draft, operands[1], z, tangents),
        Equation::Determinant => {
            let share = trace(draft, operands[1], tangents[1]?);
            Some(draft.mul(z, share))
        }
        Equation::LogDeterminant => Some(trace(draft, operands[1], tangents[1]?)),
    }
}

/// The dx with a·dx = db − da·x.
fn linear(draft: &mut Draft, a: NodeId, x: NodeId, tangents: &[Option<NodeId>]) -> Option<NodeId> {
    let moved = tangents[1].map(|da| {
        let product = product(draft, da, x);
        draft.neg(product)
    });
    let side = match (moved, tangents[2]) {
        (Some(moved), Some(db)) => Some(draft.add(db, moved)),
        (one, other) => one.or(other),
    }?;
    Some(library::solutions(&mut draft.builder, a, side))
}

/// The cotangent of the right side of a·dx = side: the s with aᵀ·s = the cotangent of dx.
pub(super) fn cotangent(draft: &mut Draft, a: NodeId, cotangent: NodeId) -> NodeId {
    let turned = turned(draft, a);
    library::solutions(&mut draft.builder, turned, cotangent)
}

/// trace(a⁻¹·da)
fn trace(draft: &mut Draft, a: NodeId, da: NodeId) -> NodeId {
    let inverse = library::inverses(&mut draft.builder, a);
    let rank = draft.ty(inverse).rank();
    let turned = turned(draft, inverse);
    let product = draft.mul(da, turned);
    draft.builder.reduce(Combine::Add, product, &[rank - 2, rank - 1])
}

/// The products of matrices.
fn product(draft: &mut Draft, left: NodeId, right: NodeId) -> NodeId {
    let rank = draft.ty(left).rank();
    let right = turned(draft, right);
    draft.builder.contract(left, right, rank - 2, 1)
}

/// The transposes of matrices.
fn turned(draft: &mut Draft, matrices: NodeId) -> NodeId {
    let rank = draft.ty(matrices).rank();
    let mut turned: Vec<usize> = (0..rank).collect();
    turned.swap(rank - 2, rank - 1);
    draft.builder.transpose(matrices, &turned)
}
