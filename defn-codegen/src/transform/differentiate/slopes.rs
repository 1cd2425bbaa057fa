//! Slopes of functions that need more than one primitive.
//!
//! ```text
//! before                    after
//! z = erf x                 dz = dx * bell(x)           bell(x) = 2/√π · exp(−x²)
//! z = maximum x, y          dz = winner(x > y, dx) + winner(y > x, dy)
//! ```
//!
//! Formulas: `x`, `y` are operands, `z` is the result, a `d` in front means the tangent.

use crate::graph::{Binary, Comparison, NodeId, Unary};

use super::Draft;

pub(super) fn scaled(draft: &mut Draft, factor: f64, x: NodeId) -> NodeId {
    let factor = draft.number(factor, x);
    draft.mul(factor, x)
}

/// 2/√π · exp(−x²), the slope of the error function.
pub(super) fn bell(draft: &mut Draft, x: NodeId) -> NodeId {
    let square = draft.mul(x, x);
    let exponent = draft.neg(square);
    let bell = draft.unary(Unary::Exp, exponent);
    scaled(draft, std::f64::consts::FRAC_2_SQRT_PI, bell)
}

pub(super) fn one_plus(draft: &mut Draft, x: NodeId) -> NodeId {
    let one = draft.number(1.0, x);
    draft.add(one, x)
}

/// 1 + x²
pub(super) fn one_plus_square(draft: &mut Draft, x: NodeId) -> NodeId {
    let square = draft.mul(x, x);
    one_plus(draft, square)
}

/// 1 − x² as (1 − x)(1 + x), which loses nothing where x is near ±1.
pub(super) fn one_minus_square(draft: &mut Draft, x: NodeId) -> NodeId {
    let one = draft.number(1.0, x);
    let (left, right) = (draft.sub(one, x), draft.add(one, x));
    draft.mul(left, right)
}

/// dx · y · x^(y−1). Where y = 0 the slope is 0 even at x = 0, and the exponent is kept from −1 there, because an infinity that is
/// not chosen would still spoil the derivative of this derivative.
pub(super) fn power_in_base(draft: &mut Draft, x: NodeId, y: NodeId, dx: NodeId) -> NodeId {
    let (zero, one) = (draft.number(0.0, y), draft.number(1.0, y));
    let flat = draft.compare(Comparison::Eq, y, zero);
    let lower = draft.sub(y, one);
    let exponent = draft.select(flat, one, lower);
    let power = draft.builder.binary(Binary::Pow, x, exponent);
    let slope = draft.mul(y, power);
    let slope = draft.select(flat, zero, slope);
    draft.mul(dx, slope)
}

/// dy · x^y · ln x, and 0 where x = 0.
pub(super) fn power_in_exponent(draft: &mut Draft, [x, z]: [NodeId; 2], dy: NodeId) -> NodeId {
    let (zero, one) = (draft.number(0.0, x), draft.number(1.0, x));
    let flat = draft.compare(Comparison::Eq, x, zero);
    let base = draft.select(flat, one, x);
    let log = draft.unary(Unary::Log, base);
    let slope = draft.mul(z, log);
    let slope = draft.select(flat, zero, slope);
    draft.mul(dy, slope)
}

/// dx · side / (x² + y²).
pub(super) fn over_radius(
    draft: &mut Draft,
    [x, y]: [NodeId; 2],
    side: NodeId,
    dx: NodeId,
) -> NodeId {
    let (left, right) = (draft.mul(x, x), draft.mul(y, y));
    let radius = draft.add(left, right);
    let slope = draft.div(side, radius);
    draft.mul(dx, slope)
}

/// dx where x wins over y, half of it where they are equal, else nothing.
pub(super) fn winner(
    draft: &mut Draft,
    wins: Comparison,
    [x, y]: [NodeId; 2],
    dx: NodeId,
) -> NodeId {
    let (zero, half, one) = (draft.number(0.0, x), draft.number(0.5, x), draft.number(1.0, x));
    let won = draft.compare(wins, x, y);
    let tied = draft.compare(Comparison::Eq, x, y);
    let weight = draft.select(tied, half, zero);
    let weight = draft.select(won, one, weight);
    draft.mul(dx, weight)
}
