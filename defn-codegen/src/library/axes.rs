//! Axes as the user names them, and types as the user writes them.

use super::{Result, Tensor};
use crate::diagnostic::catalogue::{AxisMistake, nearest};
use crate::graph::build::Builder;
use crate::graph::{Check, Dim, Element, Relation};

/// An axis of some tensor, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisRef {
    /// `features`.
    Name(String),
    /// `axis = -1`: from the end if negative.
    Position(i64),
}

/// An axis that is made: `kh = 3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its name.
    pub name: Option<String>,
    /// Its extent.
    pub extent: Dim,
}

/// The position of an axis.
pub fn axis(b: &Builder, x: &Tensor, axis: &AxisRef) -> Result<usize> {
    match axis {
        AxisRef::Name(name) => x.position(name).ok_or_else(|| {
            let known = x.names.iter().flatten().map(String::as_str);
            AxisMistake::UnknownAxis {
                axis: name.clone(),
                ty: show(b, x),
                nearest: nearest(name, known),
            }
            .into()
        }),
        AxisRef::Position(position) => {
            let rank = x.rank() as i64;
            let from_start = if *position < 0 { position + rank } else { *position };
            if (0..rank).contains(&from_start) {
                return Ok(from_start as usize);
            }
            Err(AxisMistake::AxisPosition { position: *position, ty: show(b, x) }.into())
        }
    }
}

/// The positions of axes, in the order of `refs`; all of them if there are none.
pub fn axes(b: &Builder, x: &Tensor, refs: &[AxisRef]) -> Result<Vec<usize>> {
    if refs.is_empty() {
        return Ok((0..x.rank()).collect());
    }
    let mut positions = Vec::with_capacity(refs.len());
    for one in refs {
        let position = axis(b, x, one)?;
        if positions.contains(&position) {
            let axis = axis_word(x, position);
            return Err(AxisMistake::RepeatedAxis { axis }.into());
        }
        positions.push(position);
    }
    Ok(positions)
}

/// What to call an axis in a sentence.
pub(super) fn axis_word(x: &Tensor, position: usize) -> String {
    x.names[position].clone().unwrap_or_else(|| position.to_string())
}

/// A mistake if a name stands twice (R9).
pub(super) fn distinct(b: &Builder, x: &Tensor) -> Result<()> {
    for (position, name) in x.names.iter().enumerate() {
        if let Some(name) = name
            && x.names[..position].iter().flatten().any(|other| other == name)
        {
            return Err(AxisMistake::NameTwice { name: name.clone(), ty: show(b, x) }.into());
        }
    }
    Ok(())
}

/// A mistake if the tensor has an axis of this name.
pub(super) fn fresh(b: &Builder, x: &Tensor, name: &str) -> Result<()> {
    match x.position(name) {
        Some(_) => Err(AxisMistake::AxisExists { axis: name.to_owned(), ty: show(b, x) }.into()),
        None => Ok(()),
    }
}

/// Why the extents of one axis cannot be one: they differ, or nothing says that they are equal.
pub fn relate(
    b: &Builder,
    axis: &str,
    left: (&Tensor, &Dim),
    right: (&Tensor, &Dim),
) -> AxisMistake {
    let (left_text, right_text) = (show(b, left.0), show(b, right.0));
    let axis = axis.to_owned();
    let apart = left.1.clone() - right.1.clone();
    if apart.as_constant().is_some() {
        return AxisMistake::ExtentsDiffer { axis, left: left_text, right: right_text };
    }
    let extents = (show_dim(b, left.1), show_dim(b, right.1));
    AxisMistake::ExtentsUnrelated { axis, extents, left: left_text, right: right_text }
}

/// Notes that `left` must not exceed `right`; `false` if it is known to.
pub(super) fn at_most(b: &mut Builder, left: &Dim, right: &Dim, what: &str) -> bool {
    let rest = right.clone() - left.clone();
    if rest.is_surely_natural() {
        return true;
    }
    if rest.as_constant().is_some() {
        return false;
    }
    let text = format!("{what}: `{}` must not exceed `{}`", show_dim(b, left), show_dim(b, right));
    b.check(Check { relation: Relation::AtMost, left: left.clone(), right: right.clone(), text });
    true
}

/// How many positions there are from `start` to `end`: none if they are numbers in the other order; a check on entry if nobody knows.
pub fn length(b: &mut Builder, start: &Dim, end: &Dim) -> Dim {
    let what = format!("loop over `{}..{}`", show_dim(b, start), show_dim(b, end));
    match at_most(b, start, end, &what) {
        true => end.clone() - start.clone(),
        false => Dim::from(0),
    }
}

/// An extent with the names of its symbols.
pub fn show_dim(b: &Builder, dim: &Dim) -> String {
    dim.display(&b.graph().symbols).to_string()
}

/// The type of a tensor as the user writes it: `Tensor<f32, batch, pixel<784>, {2}>`.
pub fn show(b: &Builder, x: &Tensor) -> String {
    let ty = b.ty(x.node);
    show_type(ty.element, &x.names, &ty.shape, &b.graph().symbols)
}

/// A type as the user writes it.
pub fn show_type(
    element: Element,
    names: &[Option<String>],
    shape: &[Dim],
    symbols: &[String],
) -> String {
    if names.is_empty() {
        return element.name().to_owned();
    }
    let mut text = format!("Tensor<{element}");
    for (name, dim) in names.iter().zip(shape) {
        let extent = dim.display(symbols).to_string();
        let plain = dim.as_constant().is_some_and(|value| value >= 0) || dim.as_symbol().is_some();
        text.push_str(", ");
        match name {
            None => text.push_str(&format!("{{{extent}}}")),
            Some(name) if *name == extent => text.push_str(name),
            Some(name) if plain => text.push_str(&format!("{name}<{extent}>")),
            Some(name) => text.push_str(&format!("{name}<{{{extent}}}>")),
        }
    }
    text.push('>');
    text
}
