//! Parts of an axis.
//!
//! Ends that are extents cut statically, with checks on entry for the order that is not known.
//! An end that depends on data is allowed if the length does not: `i..i + 3`; its start is clamped (R22).

use super::axes::{at_most, axis_word};
use super::{AxisRef, Result, Tensor, axis, show, show_dim};
use crate::diagnostic::catalogue::{AxisMistake, ElementMistake};
use crate::graph::build::Builder;
use crate::graph::{Binary, Dim, Element, NodeId, Op, Scalar};

/// One end of a slice.
#[derive(Clone, Debug)]
pub enum Bound {
    /// An extent.
    Extent(Dim),
    /// An `i64` that is computed.
    Value(Tensor),
}

/// `x.slice(time, start..end)`; an open end is the end of the axis.
pub fn slice(
    b: &mut Builder,
    x: &Tensor,
    of: &AxisRef,
    start: &Bound,
    end: Option<&Bound>,
) -> Result<Tensor> {
    let position = axis(b, x, of)?;
    let whole = x.shape(b)[position].clone();
    let open = Bound::Extent(whole.clone());
    let end = end.unwrap_or(&open);
    match (start, end) {
        (Bound::Extent(start), Bound::Extent(end)) => cut(b, x, position, (start, end)),
        (start, end) => {
            let range = format!("{}..{}", show_bound(b, start), show_bound(b, end));
            let (base, offset) = affine(b, start)?;
            let (end_base, end_offset) = affine(b, end)?;
            if base != end_base {
                return Err(AxisMistake::SliceLength { range }.into());
            }
            let size = end_offset - offset;
            let word = axis_word(x, position);
            let what = format!("slice `{range}` of axis `{word}`");
            if !at_most(b, &Dim::from(0), &size, &what) || !at_most(b, &size, &whole, &what) {
                let extent = show_dim(b, &whole);
                return Err(AxisMistake::SliceOutside { range, axis: word, extent }.into());
            }
            let start = bound_node(b, start);
            Ok(window_at(b, x, position, start, &size))
        }
    }
}

fn show_bound(b: &Builder, bound: &Bound) -> String {
    match bound {
        Bound::Extent(dim) => show_dim(b, dim),
        Bound::Value(value) => match affine(b, bound) {
            Ok((Some(_), offset)) if offset.is(0) => "i".to_owned(),
            Ok((Some(_), offset)) => format!("i + {}", show_dim(b, &offset)),
            _ => show(b, value),
        },
    }
}

/// What the bound is made of: a computed value, if any, and an extent.
fn affine(b: &Builder, bound: &Bound) -> Result<(Option<NodeId>, Dim)> {
    match bound {
        Bound::Extent(dim) => Ok((None, dim.clone())),
        Bound::Value(value) if value.rank() > 0 => {
            let ty = show(b, value);
            Err(ElementMistake::NeedsScalar { what: "`slice`".to_owned(), ty }.into())
        }
        Bound::Value(value) if value.element(b) != Element::I64 => {
            Err(ElementMistake::PositionElement { ty: show(b, value) }.into())
        }
        Bound::Value(value) => Ok(affine_node(b, value.node)),
    }
}

fn affine_node(b: &Builder, node: NodeId) -> (Option<NodeId>, Dim) {
    let op = b.graph().op(node);
    if let Op::Extent(dim) = op {
        return (None, dim.clone());
    }
    if let Op::Constant(scalar) = op {
        return (None, Dim::from(scalar.to_i64()));
    }
    let Op::Binary(operator @ (Binary::Add | Binary::Sub)) = op else {
        return (Some(node), Dim::default());
    };
    let operands = b.graph().operands(node);
    let (left, left_offset) = affine_node(b, operands[0]);
    let (right, right_offset) = affine_node(b, operands[1]);
    match (operator, left, right) {
        (Binary::Add, base, None) | (Binary::Add, None, base) => (base, left_offset + right_offset),
        (Binary::Sub, base, None) => (base, left_offset - right_offset),
        _ => (Some(node), Dim::default()),
    }
}

fn bound_node(b: &mut Builder, bound: &Bound) -> NodeId {
    match bound {
        Bound::Extent(dim) => b.extent(dim.clone()),
        Bound::Value(value) => value.node,
    }
}

/// A slice between extents.
pub(super) fn cut(
    b: &mut Builder,
    x: &Tensor,
    position: usize,
    (start, end): (&Dim, &Dim),
) -> Result<Tensor> {
    let whole = x.shape(b)[position].clone();
    let axis = axis_word(x, position);
    let range = format!("{}..{}", show_dim(b, start), show_dim(b, end));
    if [start, end].iter().any(|bound| bound.as_constant().is_some_and(|value| value < 0)) {
        return Err(AxisMistake::SliceNegative { range }.into());
    }
    let what = format!("slice `{range}` of axis `{axis}`");
    let zero = Dim::from(0);
    if !at_most(b, start, end, &what) {
        return Err(AxisMistake::SliceBackwards { range }.into());
    }
    let inside = (start.is_surely_natural() || at_most(b, &zero, start, &what))
        && at_most(b, end, &whole, &what);
    if !inside {
        return Err(AxisMistake::SliceOutside { range, axis, extent: show_dim(b, &whole) }.into());
    }
    let mut sizes = x.shape(b);
    let mut starts = vec![zero; sizes.len()];
    sizes[position] = end.clone() - start.clone();
    starts[position] = start.clone();
    let node = b.slice(x.node, &starts, &sizes);
    Ok(x.with(node))
}

/// `size` elements from a computed start, which is clamped so that they exist.
fn window_at(b: &mut Builder, x: &Tensor, position: usize, start: NodeId, size: &Dim) -> Tensor {
    let whole = x.shape(b)[position].clone();
    let last = b.extent(whole - size.clone());
    let zero = b.constant(Scalar::from_i64(Element::I64, 0));
    let start = b.binary(Binary::Min, start, last);
    let start = b.binary(Binary::Max, start, zero);
    let steps = b.iota(std::slice::from_ref(size), 0);
    let start = b.broadcast(start, std::slice::from_ref(size), &[]);
    let positions = b.binary(Binary::Add, steps, start);
    let node = take_along(b, x, position, positions);
    x.with(node)
}

/// The axis replaced by those of `positions`, in its place.
pub(super) fn take_along(
    b: &mut Builder,
    x: &Tensor,
    position: usize,
    positions: NodeId,
) -> NodeId {
    let mut front: Vec<usize> = (0..x.rank()).filter(|axis| *axis != position).collect();
    front.insert(0, position);
    let moved = b.transpose(x.node, &front);
    let index_rank = b.shape(positions).len();
    let taken = b.take(moved, positions, 0);
    // The taken axes stand first; they go where the axis stood.
    let mut back: Vec<usize> = (index_rank..index_rank + x.rank() - 1).collect();
    back.splice(position..position, 0..index_rank);
    b.transpose(taken, &back)
}
