//! Tangents of what walks along an axis: running sums, products and extremes, and sorting.
//!
//! In:  the operand x, the direction, the tangent dx.   Out: the tangent of z, linear in dx.
//!
//! ```text
//! z = scan.add x      dz = scan.add dx
//! z = scan.mul x      dz = (Π x) · Σ dx / x           where no element is zero, see Note [Running products with zeros]
//! z = scan.max x      dz = dx at the last position whose element is the largest so far
//! z = sort x          dz = dx at the positions of argsort x
//! ```
//!
//! Of equal largest elements the last one moves the result: any one of them is a subgradient.
//! Of a scan in reverse, "last" means the one that the walk meets last.

use crate::graph::{Binary, Combine, Comparison, Dim, Element, NodeId};

use super::Draft;

/// The tangent of z = scan x.
pub(super) fn scan(
    draft: &mut Draft,
    combine: Combine,
    [x, z]: [NodeId; 2],
    (axis, reverse): (usize, bool),
    dx: NodeId,
) -> NodeId {
    match combine {
        Combine::Add => draft.builder.scan(Combine::Add, dx, axis, reverse),
        Combine::Mul => product(draft, x, (axis, reverse), dx),
        Combine::Max | Combine::Min => extreme(draft, [x, z], (axis, reverse), dx),
    }
}

/// The tangent of z = running product of x.
fn product(draft: &mut Draft, x: NodeId, (axis, reverse): (usize, bool), dx: NodeId) -> NodeId {
    let element = draft.ty(x).element;
    let sum = |draft: &mut Draft, x| draft.builder.scan(Combine::Add, x, axis, reverse);
    let (zero, one, two) = (draft.number(0.0, x), draft.number(1.0, x), draft.number(2.0, x));
    let is_zero = draft.compare(Comparison::Eq, x, zero);
    let nonzero = draft.select(is_zero, one, x);
    let rest = draft.builder.scan(Combine::Mul, nonzero, axis, reverse);
    let ones = draft.builder.convert(element, is_zero);
    let count = sum(draft, ones);

    let ratio = draft.div(dx, nonzero);
    let ratio = draft.select(is_zero, zero, ratio);
    let elsewhere = sum(draft, ratio);
    let moved = draft.select(is_zero, dx, zero);
    let at_zeros = sum(draft, moved);
    let zeros = draft.select(is_zero, x, zero);
    let zeros = sum(draft, zeros);
    let scaled = draft.mul(dx, x);
    let scaled = draft.select(is_zero, scaled, zero);
    let scaled = sum(draft, scaled);

    let by_zeros = draft.mul(elsewhere, zeros);
    let alone = draft.add(at_zeros, by_zeros);
    let squares = draft.neg(scaled);
    let paired = draft.mul(at_zeros, zeros);
    let paired = draft.add(paired, squares);
    let is_paired = draft.compare(Comparison::Eq, count, two);
    let moved = draft.select(is_paired, paired, zero);
    let is_alone = draft.compare(Comparison::Eq, count, one);
    let moved = draft.select(is_alone, alone, moved);
    let is_without = draft.compare(Comparison::Eq, count, zero);
    let moved = draft.select(is_without, elsewhere, moved);
    draft.mul(moved, rest)
}

/// The tangent of z = running extreme of x.
fn extreme(
    draft: &mut Draft,
    [x, z]: [NodeId; 2],
    (axis, reverse): (usize, bool),
    dx: NodeId,
) -> NodeId {
    let hit = draft.compare(Comparison::Eq, x, z);
    let nan = draft.compare(Comparison::Ne, x, x);
    let builder = &mut draft.builder;
    let shape = builder.shape(x);
    let hit = builder.binary(Binary::Or, hit, nan);
    // The first element of the walk is always hit, so that its position stands in for those that are not.
    let first = if reverse { shape[axis].clone() - Dim::from(1) } else { Dim::from(0) };
    let first = builder.extent(first);
    let first = builder.broadcast(first, &shape, &[]);
    let position = builder.iota(&shape, axis);
    debug_assert_eq!(builder.ty(position).element, Element::I64, "positions are i64");
    let marked = builder.select(hit, position, first);
    let latest = if reverse { Combine::Min } else { Combine::Max };
    let position = builder.scan(latest, marked, axis, reverse);

    along(draft, dx, axis, position)
}

/// The tangent of z = sort x: dx in the order of x.
pub(super) fn sort(
    draft: &mut Draft,
    x: NodeId,
    (axis, descending): (usize, bool),
    dx: NodeId,
) -> NodeId {
    let extent = draft.builder.shape(x)[axis].clone();
    let position = draft.builder.argsort(x, axis, descending, &extent);
    along(draft, dx, axis, position)
}

/// The elements of dx at positions along an axis, all other axes walked together.
fn along(draft: &mut Draft, dx: NodeId, axis: usize, position: NodeId) -> NodeId {
    let builder = &mut draft.builder;
    let rank = builder.ty(dx).rank();
    let last: Vec<usize> = (0..rank).filter(|other| *other != axis).chain([axis]).collect();
    let mut back = vec![0; rank];
    last.iter().enumerate().for_each(|(to, from)| back[*from] = to);
    let (dx, position) = (builder.transpose(dx, &last), builder.transpose(position, &last));
    let moved = builder.take(dx, position, rank - 1);
    builder.transpose(moved, &back)
}

// Note [Running products with zeros]
//
// Let `rest` be the running product of all elements that are not zero. Where no element so far is zero, dz = rest · Σ dx / x.
// Where exactly one is zero, dz is dx there times `rest`, plus what the others move, times the zero: that term has the value 0, but
// not the slope 0 along the zero. Where exactly two are zero, dz = rest · (dx₁ x₂ + dx₂ x₁), which is the product of both sums less
// the sum of the products. With more zeros the value and the first derivative of dz are 0. So derivatives are right up to the second
// order everywhere, and of every order where no element is zero. The divisor is 1 where it is not used.
// A product with NaN in it is NaN, and so is its derivative along every element that takes part in it.
