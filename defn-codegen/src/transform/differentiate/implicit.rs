//! Tangents of solutions, by differentiating the equation that they solve.
//!
//! ```text
//! equation                          how the solution moves
//! share below x of gamma(a)         dx = da · slope(a, x)
//! a·x = b                           dx = a⁻¹·(db − da·x)
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

/// dx = a⁻¹·(db − da·x)
fn linear(draft: &mut Draft, a: NodeId, x: NodeId, tangents: &[Option<NodeId>]) -> Option<NodeId> {
    let moved = tangents[1].map(|da| {
        let product = product(draft, da, x);
        draft.neg(product)
    });
    let side = match (moved, tangents[2]) {
        (Some(moved), Some(db)) => Some(draft.add(db, moved)),
        (one, other) => one.or(other),
    }?;
    let inverse = library::inverses(&mut draft.builder, a);
    Some(product(draft, inverse, side))
}

/// trace(a⁻¹·da)
fn trace(draft: &mut Draft, a: NodeId, da: NodeId) -> NodeId {
    let inverse = library::inverses(&mut draft.builder, a);
    let rank = draft.ty(inverse).rank();
    let mut turned: Vec<usize> = (0..rank).collect();
    turned.swap(rank - 2, rank - 1);
    let turned = draft.builder.transpose(inverse, &turned);
    let product = draft.mul(da, turned);
    draft.builder.reduce(Combine::Add, product, &[rank - 2, rank - 1])
}

/// The products of matrices.
fn product(draft: &mut Draft, left: NodeId, right: NodeId) -> NodeId {
    let rank = draft.ty(right).rank();
    let mut turned: Vec<usize> = (0..rank).collect();
    turned.swap(rank - 2, rank - 1);
    let right = draft.builder.transpose(right, &turned);
    draft.builder.contract(left, right, rank - 2, 1)
}
