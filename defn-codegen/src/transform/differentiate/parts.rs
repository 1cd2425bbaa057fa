//! Cotangents of parts of a tensor, side by side.
//!
//! ```text
//! before                        after
//! %0 = pad a low=[0] high=[2]   %0 = concat a, b axis=0     which is padded only where parts are missing
//! %1 = pad b low=[1] high=[1]
//! %2 = add %0, %1
//! ```
//!
//! Functions that take a tensor apart get a cotangent for each part. Parts that touch each other become one,
//! so that what is apart is put together once instead of added to zeros.

use crate::graph::{Dim, NodeId, Op};

use super::Draft;

/// The cotangent of a part.
pub(super) struct Part {
    /// Where it begins.
    pub(super) starts: Vec<Dim>,
    /// The cotangent.
    pub(super) share: NodeId,
}

/// The same with parts that touch each other as one.
pub(super) fn joined(draft: &mut Draft, parts: Vec<Part>) -> Vec<Part> {
    let mut parts = parts;
    while let Some((left, right, axis)) = neighbours(draft, &parts) {
        let pieces = [left, right].map(|part| pieces(draft, parts[part].share, axis));
        parts[left].share = draft.builder.concat(axis, &pieces.concat());
        parts.remove(right);
    }
    parts
}

/// What was put together along this axis.
fn pieces(draft: &Draft, share: NodeId, axis: usize) -> Vec<NodeId> {
    let is_joined = *draft.graph().op(share) == Op::Concat { axis };
    if is_joined { draft.graph().operands(share).to_vec() } else { vec![share] }
}

/// Two parts of which one begins where the other ends, and the axis along which they follow each other.
fn neighbours(draft: &Draft, parts: &[Part]) -> Option<(usize, usize, usize)> {
    let pairs = (0..parts.len()).flat_map(|left| (0..parts.len()).map(move |right| (left, right)));
    pairs.into_iter().find_map(|(left, right)| {
        let axis = following(draft, &parts[left], &parts[right])?;
        (left != right).then_some((left, right, axis))
    })
}

/// The axis along which `right` follows on `left`; all others are the same.
fn following(draft: &Draft, left: &Part, right: &Part) -> Option<usize> {
    let (left_sizes, right_sizes) =
        (draft.builder.shape(left.share), draft.builder.shape(right.share));
    let axes = 0..left_sizes.len();
    let other = |axis: &usize| {
        left.starts[*axis] != right.starts[*axis] || left_sizes[*axis] != right_sizes[*axis]
    };
    let axis = axes.clone().find(|axis| left.starts[*axis] != right.starts[*axis])?;
    let follows = left.starts[axis].clone() + left_sizes[axis].clone() == right.starts[axis];
    (follows && axes.filter(other).all(|other| other == axis)).then_some(axis)
}
