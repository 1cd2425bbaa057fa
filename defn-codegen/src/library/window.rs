//! Windows that slide along an axis.
//!
//! ```text
//! y = x.window(h, kh = 3, stride = 2, dilation = 1, padding = (1, 1))
//! y[.., h, .., kh] = padded x[.., 2*h + kh, ..]
//! ```
//!
//! The axis keeps its name and counts the places of the window, the elements inside it stand along the new axis, which goes last (R10, R21).
//! Padding holds zeros, or `value`.

use super::arithmetic::same_element;
use super::axes::{at_most, axis_word, fresh};
use super::join::{one_value, widths};
use super::movement::natural;
use super::{Axis, AxisRef, Result, Tensor, axis, show_dim};
use crate::diagnostic::catalogue::AxisMistake;
use crate::graph::build::Builder;
use crate::graph::{Dim, NodeId, Op, Scalar, Sliding};

/// How a window moves.
#[derive(Clone, Debug)]
pub struct Slide {
    /// The distance of neighbouring windows.
    pub stride: Dim,
    /// The distance of neighbouring elements in the window.
    pub dilation: Dim,
    /// How much stands in front and behind.
    pub padding: (Dim, Dim),
    /// What stands there; zero if it is not said.
    pub value: Option<Tensor>,
}

/// `x.window(h, kh = 3)`.
pub fn window(
    b: &mut Builder,
    x: &Tensor,
    of: &AxisRef,
    new: &Axis,
    slide: &Slide,
) -> Result<Tensor> {
    let position = axis(b, x, of)?;
    if let Some(name) = &new.name {
        fresh(b, x, name)?;
    }
    natural(b, &new.extent)?;
    for (argument, step) in [("stride", &slide.stride), ("dilation", &slide.dilation)] {
        if !at_most(b, &Dim::from(1), step, argument) {
            let (argument, value) = (argument.to_owned(), show_dim(b, step));
            return Err(AxisMistake::WindowStep { argument, value }.into());
        }
    }
    let (low, high) = &slide.padding;
    widths(b, [low, high])?;
    if let Some(value) = &slide.value {
        same_element(b, "window", x, value)?;
        one_value(b, "window", value)?;
    }
    let whole = x.shape(b)[position].clone() + low.clone() + high.clone();
    let span = slide.dilation.clone() * (new.extent.clone() - Dim::from(1)) + Dim::from(1);
    let word = axis_word(x, position);
    if !at_most(b, &span, &whole, &format!("window of axis `{word}`")) {
        let (window, extent) = (show_dim(b, &span), show_dim(b, &whole));
        return Err(AxisMistake::WindowTooLong { window, axis: word, extent }.into());
    }
    let mut seen = x.shape(b);
    seen[position] = (whole - span).floor_div(&slide.stride) + Dim::from(1);
    seen.push(new.extent.clone());
    let node = slid(b, x, position, (slide, &seen));
    let mut names = x.names.clone();
    names.push(new.name.clone());
    Ok(Tensor::new(node, names))
}

/// Pads and slides. Windows along several axes are one view of what lies below them, and what is padded is what lies below:
/// padding what is seen would write every window out.
fn slid(b: &mut Builder, x: &Tensor, position: usize, (slide, seen): (&Slide, &[Dim])) -> NodeId {
    let (below, inner) = below(b, x.node, position);
    let padded = pad_below(b, below, position, slide);
    let rank = x.rank();
    let mut strides = vec![Dim::from(1); rank];
    strides[position] = slide.stride.clone();
    let outer = Sliding { strides, axes: vec![position], dilations: vec![slide.dilation.clone()] };
    let sliding = match &inner {
        Some(inner) => outer.over(inner),
        None => outer,
    };
    b.window(padded, sliding, seen)
}

/// What windows that do not move along an axis look at, and these windows.
fn below(b: &Builder, node: NodeId, position: usize) -> (NodeId, Option<Sliding>) {
    if let Op::Window(inner) = b.graph().op(node) {
        let below = b.graph().operands(node)[0];
        let rank = inner.strides.len();
        if position < rank
            && inner.keeps(position)
            && b.shape(below)[position] == b.shape(node)[position]
        {
            return (below, Some(inner.clone()));
        }
    }
    (node, None)
}

fn pad_below(b: &mut Builder, x: NodeId, position: usize, slide: &Slide) -> NodeId {
    let (low, high) = &slide.padding;
    if low.is(0) && high.is(0) {
        return x;
    }
    let element = b.ty(x).element;
    let value = match &slide.value {
        Some(value) => value.node,
        None => b.constant(Scalar::from_i64(element, 0)),
    };
    let rank = b.ty(x).rank();
    let mut lows = vec![Dim::default(); rank];
    let mut highs = lows.clone();
    lows[position] = low.clone();
    highs[position] = high.clone();
    b.pad(x, value, &lows, &highs)
}
