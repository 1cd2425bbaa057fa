//! Tensors behind, beside and inside each other.

use super::arithmetic::same_element;
use super::axes::{at_most, axis_word, fresh};
use super::movement::natural;
use super::slice::take_along;
use super::{AxisRef, Result, Tensor, axes, axis, relate, reorder, show, show_dim};
use crate::diagnostic::catalogue::{AxisMistake, ElementMistake};
use crate::graph::build::Builder;
use crate::graph::{Binary, Dim, Element};

/// The others with the axes of the first, in its order; all extents but that of `free` must be equal.
fn matched(
    b: &mut Builder,
    operation: &str,
    operands: &[&Tensor],
    free: Option<usize>,
) -> Result<Vec<Tensor>> {
    let first = operands[0];
    let mut matched = Vec::with_capacity(operands.len());
    for operand in operands {
        same_element(b, operation, first, operand)?;
        let Some(ordered) = reorder(b, operand, &first.names) else {
            return Err(AxisMistake::JoinedAxes {
                operation: operation.to_owned(),
                first: show(b, first),
                other: show(b, operand),
            }
            .into());
        };
        let extents = first.shape(b).into_iter().zip(ordered.shape(b)).enumerate();
        for (position, (left, right)) in extents {
            if Some(position) != free && left != right {
                let word = axis_word(first, position);
                return Err(relate(b, &word, (first, &left), (operand, &right)).into());
            }
        }
        matched.push(ordered);
    }
    Ok(matched)
}

/// `concat(time, x, y)`: one behind the other along an axis that all have.
pub fn concat(b: &mut Builder, along: &AxisRef, operands: &[&Tensor]) -> Result<Tensor> {
    let position = axis(b, operands[0], along)?;
    let matched = matched(b, "concat", operands, Some(position))?;
    let nodes: Vec<_> = matched.iter().map(|tensor| tensor.node).collect();
    let node = b.concat(position, &nodes);
    Ok(operands[0].with(node))
}

/// `stack(row, x, y)`: beside each other along a new axis, which goes first (R10).
pub fn stack(b: &mut Builder, new: &str, operands: &[&Tensor]) -> Result<Tensor> {
    fresh(b, operands[0], new)?;
    let matched = matched(b, "stack", operands, None)?;
    let mut shape = operands[0].shape(b);
    shape.insert(0, Dim::from(1));
    let nodes: Vec<_> = matched.iter().map(|tensor| b.reshape(tensor.node, &shape)).collect();
    let node = b.concat(0, &nodes);
    let mut names = operands[0].names.clone();
    names.insert(0, Some(new.to_owned()));
    Ok(Tensor::new(node, names))
}

/// `value` in front of and behind the elements along an axis.
pub fn pad(
    b: &mut Builder,
    x: &Tensor,
    of: &AxisRef,
    (low, high): (&Dim, &Dim),
    value: &Tensor,
) -> Result<Tensor> {
    let position = axis(b, x, of)?;
    same_element(b, "pad", x, value)?;
    one_value(b, "pad", value)?;
    widths(b, [low, high])?;
    let mut lows = vec![Dim::default(); x.rank()];
    let mut highs = lows.clone();
    lows[position] = low.clone();
    highs[position] = high.clone();
    let node = b.pad(x.node, value.node, &lows, &highs);
    Ok(x.with(node))
}

/// A mistake if the value that stands around is not one.
pub(super) fn one_value(b: &Builder, operation: &str, value: &Tensor) -> Result<()> {
    if value.rank() == 0 {
        return Ok(());
    }
    Err(ElementMistake::NeedsScalar { what: format!("`{operation}`"), ty: show(b, value) }.into())
}

/// A mistake if a width is known to be negative, else a check on entry if it may be.
pub(super) fn widths(b: &mut Builder, widths: [&Dim; 2]) -> Result<()> {
    for width in widths {
        if natural(b, width).is_err() {
            return Err(AxisMistake::NegativePadding { width: show_dim(b, width) }.into());
        }
        at_most(b, &Dim::from(0), width, "padding");
    }
    Ok(())
}

/// Counts backwards along axes.
pub fn reverse(b: &mut Builder, x: &Tensor, refs: &[AxisRef]) -> Result<Tensor> {
    let mut over = axes(b, x, refs)?;
    over.sort_unstable();
    let node = b.reverse(x.node, &over);
    Ok(x.with(node))
}

/// Moves elements `by` places towards the end of an axis; what leaves comes back in front.
pub fn roll(b: &mut Builder, x: &Tensor, of: &AxisRef, by: &Tensor) -> Result<Tensor> {
    let position = axis(b, x, of)?;
    if by.rank() > 0 {
        let ty = show(b, by);
        return Err(ElementMistake::NeedsScalar { what: "`roll`".to_owned(), ty }.into());
    }
    if by.element(b) != Element::I64 {
        return Err(ElementMistake::PositionElement { ty: show(b, by) }.into());
    }
    let extent = x.shape(b)[position].clone();
    let line = std::slice::from_ref(&extent);
    let places = b.iota(line, 0);
    let by = b.broadcast(by.node, line, &[]);
    let count = b.extent(extent.clone());
    let count = b.broadcast(count, line, &[]);
    // Rust's remainder has the sign of the left side, so the extent is added once more.
    let source = b.binary(Binary::Sub, places, by);
    let source = b.binary(Binary::Rem, source, count);
    let source = b.binary(Binary::Add, source, count);
    let source = b.binary(Binary::Rem, source, count);
    let node = take_along(b, x, position, source);
    Ok(x.with(node))
}
