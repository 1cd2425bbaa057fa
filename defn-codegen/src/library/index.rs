//! Elements at positions: gather and scatter by name.
//!
//! ```text
//! take(table: [vocab, width], vocab, ids: [batch])       ->  [batch, width]
//! take(x: [batch, class],     class, y:   [batch])       ->  [batch]           a shared name is walked together
//! add_at(x: [vocab, width], vocab, ids: [batch], values) ->  [vocab, width]
//! ```

use super::align::spread;
use super::arithmetic::same_element;
use super::axes::{axis_word, distinct};
use super::slice::{cut, take_along};
use super::{AxisRef, Bound, Result, Tensor, axis, relate, show, show_dim, show_type};
use crate::diagnostic::catalogue::{AxisMistake, ElementMistake};
use crate::graph::build::Builder;
use crate::graph::{Dim, Element, NodeId};

/// `x.at(time, i)`: one position, and the axis is gone. A computed position is clamped.
pub fn at(b: &mut Builder, x: &Tensor, of: &AxisRef, position: &Bound) -> Result<Tensor> {
    let along = axis(b, x, of)?;
    let names = x.names_without(&[along]);
    match position {
        Bound::Extent(start) => {
            let end = start.clone() + Dim::from(1);
            let Ok(part) = cut(b, x, along, (start, &end)) else {
                return Err(AxisMistake::PositionOutside {
                    position: show_dim(b, start),
                    axis: axis_word(x, along),
                    extent: show_dim(b, &x.shape(b)[along]),
                }
                .into());
            };
            let mut shape = x.shape(b);
            shape.remove(along);
            let node = b.reshape(part.node, &shape);
            Ok(Tensor::new(node, names))
        }
        Bound::Value(value) if value.rank() > 0 => {
            let what = "`at`".to_owned();
            Err(ElementMistake::NeedsScalar { what, ty: show(b, value) }.into())
        }
        Bound::Value(value) => {
            let index = positions(b, value)?;
            let node = take_along(b, x, along, index);
            Ok(Tensor::new(node, names))
        }
    }
}

/// Positions as `i64`.
fn positions(b: &mut Builder, ids: &Tensor) -> Result<NodeId> {
    if !ids.element(b).is_integer() {
        return Err(ElementMistake::PositionElement { ty: show(b, ids) }.into());
    }
    Ok(b.convert(Element::I64, ids.node))
}

/// How a tensor and positions in one of its axes stand to each other.
struct Places {
    /// Axes of the tensor with the names of axes of the positions.
    batch: Vec<usize>,
    /// The other axes of the tensor, without the indexed one.
    rest: Vec<usize>,
    /// The indexed axis.
    along: usize,
    /// The axes of the positions that the tensor lacks.
    new: Vec<usize>,
    /// The positions, batch axes first.
    index: NodeId,
}

fn places(b: &mut Builder, x: &Tensor, of: &AxisRef, ids: &Tensor) -> Result<Places> {
    let along = axis(b, x, of)?;
    let index = positions(b, ids)?;
    let shared = |axis: usize| {
        let name = x.names[axis].as_deref()?;
        if axis == along { None } else { ids.position(name) }
    };
    let batch: Vec<usize> = (0..x.rank()).filter(|axis| shared(*axis).is_some()).collect();
    let own: Vec<usize> = batch.iter().filter_map(|axis| shared(*axis)).collect();
    for (left, right) in batch.iter().zip(&own) {
        let (extent, other) = (&x.shape(b)[*left], &ids.shape(b)[*right]);
        if extent != other {
            return Err(relate(b, &axis_word(x, *left), (x, extent), (ids, other)).into());
        }
    }
    let rest = (0..x.rank()).filter(|axis| *axis != along && !batch.contains(axis)).collect();
    let new: Vec<usize> = (0..ids.rank()).filter(|axis| !own.contains(axis)).collect();
    let permutation: Vec<usize> = own.iter().chain(&new).copied().collect();
    let index = b.transpose(index, &permutation);
    Ok(Places { batch, rest, along, new, index })
}

impl Places {
    /// The tensor with its axes as the primitive wants them.
    fn arrangement(&self) -> Vec<usize> {
        let along = [self.along];
        self.batch.iter().chain(&along).chain(&self.rest).copied().collect()
    }

    /// For each axis of the taken elements in the user's order, its place in the primitive's `[batch.., new.., rest..]`.
    fn user_order(&self, rank: usize) -> Vec<usize> {
        let (batch, new) = (self.batch.len(), self.new.len());
        let place = |axis: usize| match self.batch.iter().position(|own| *own == axis) {
            Some(position) => position,
            None => batch + new + self.rest.iter().filter(|own| **own < axis).count(),
        };
        (0..rank)
            .flat_map(|axis| {
                if axis == self.along { (batch..batch + new).collect() } else { vec![place(axis)] }
            })
            .collect()
    }
}

/// `table.take(vocab, ids)`: the axis replaced by those of `ids`; positions outside are clamped (R24).
pub fn take(b: &mut Builder, x: &Tensor, of: &AxisRef, ids: &Tensor) -> Result<Tensor> {
    let places = places(b, x, of, ids)?;
    let moved = b.transpose(x.node, &places.arrangement());
    let taken = b.take(moved, places.index, places.batch.len());
    let node = b.transpose(taken, &places.user_order(x.rank()));
    let result = Tensor::new(node, taken_names(x, ids, &places));
    distinct(b, &result)?;
    Ok(result)
}

fn taken_names(x: &Tensor, ids: &Tensor, places: &Places) -> Vec<Option<String>> {
    let mut names = x.names.clone();
    let new = places.new.iter().map(|axis| ids.names[*axis].clone());
    names.splice(places.along..=places.along, new);
    names
}

/// `x.add_at(vocab, ids, values)`: `values` added at the positions; those outside are dropped (R24).
pub fn add_at(
    b: &mut Builder,
    x: &Tensor,
    of: &AxisRef,
    (ids, values): (&Tensor, &Tensor),
) -> Result<Tensor> {
    same_element(b, "add_at", x, values)?;
    if x.element(b) == Element::Bool {
        let (operation, ty) = ("add_at".to_owned(), show(b, x));
        return Err(ElementMistake::NeedsNumber { operation, ty }.into());
    }
    let places = places(b, x, of, ids)?;
    let names = taken_names(x, ids, &places);
    let (own, index) = (x.shape(b), ids.shape(b));
    let mut shape = own;
    shape.splice(places.along..=places.along, places.new.iter().map(|axis| index[*axis].clone()));
    let values = fitted(b, values, &names, &shape)?;
    let inner = places.user_order(x.rank());
    let mut inverse = vec![0; inner.len()];
    for (user, place) in inner.iter().enumerate() {
        inverse[*place] = user;
    }
    let values = b.transpose(values, &inverse);
    let arrangement = places.arrangement();
    let moved = b.transpose(x.node, &arrangement);
    let added = b.add_at(moved, places.index, values, places.batch.len());
    let mut back = vec![0; arrangement.len()];
    for (place, user) in arrangement.iter().enumerate() {
        back[*user] = place;
    }
    let node = b.transpose(added, &back);
    Ok(x.with(node))
}

/// The values repeated to the shape that is expected.
fn fitted(
    b: &mut Builder,
    values: &Tensor,
    names: &[Option<String>],
    shape: &[Dim],
) -> Result<NodeId> {
    let mut unnamed = (0..names.len()).filter(|position| names[*position].is_none());
    let targets: Option<Vec<usize>> = values
        .names
        .iter()
        .map(|name| match name {
            Some(_) => names.iter().position(|other| other == name),
            None => unnamed.next(),
        })
        .collect();
    let own = values.shape(b);
    let fits =
        |targets: &Vec<usize>| targets.iter().zip(&own).all(|(t, extent)| shape[*t] == *extent);
    match targets.filter(fits) {
        Some(targets) => Ok(spread(b, values.node, &targets, shape)),
        None => Err(AxisMistake::ScatteredAxes {
            values: show(b, values),
            expected: show_type(values.element(b), names, shape, &b.graph().symbols),
        }
        .into()),
    }
}
