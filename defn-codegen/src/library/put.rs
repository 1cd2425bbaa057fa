//! A tensor with another part: `x[(i, 1..3, ..)] = part`.
//!
//! Every element is chosen, from the part where all positions agree and from the tensor elsewhere,
//! so a position that there is not changes nothing (R24).

use super::align::spread;
use super::slice::take_along;
use super::{Bound, Tensor};
use crate::graph::build::Builder;
use crate::graph::{Binary, Comparison, Dim, Element, NodeId, Scalar};

/// Which positions of an axis are meant.
#[derive(Clone, Debug)]
pub enum Place {
    /// `..`
    All,
    /// `i`: the part lacks the axis.
    At(Bound),
    /// So many from a start: an extent so that they lie in the axis, or a number that is clamped (R22).
    Range(Bound, Dim),
}

/// `x` with `part` at the places, one for each axis of `x`; the part has the other axes of `x` in their order.
pub fn put(b: &mut Builder, x: &Tensor, places: &[Place], part: &Tensor) -> Tensor {
    let shape = x.shape(b);
    let kept: Vec<usize> =
        (0..shape.len()).filter(|axis| !matches!(places[*axis], Place::At(_))).collect();
    let mut tests: Vec<NodeId> = Vec::new();
    let mut part = part.clone();
    for (axis, place) in places.iter().enumerate() {
        let own = kept.iter().position(|kept| *kept == axis).unwrap_or_default();
        match place {
            Place::All => {}
            Place::At(position) => {
                let position = number(b, position);
                tests.push(compare(b, &shape, axis, (Comparison::Eq, position)));
            }
            Place::Range(start, size) => {
                let (start, moved) = moved(b, &part, own, (&shape[axis], start, size));
                part = moved;
                tests.push(compare(b, &shape, axis, (Comparison::Ge, start)));
                let size = b.extent(size.clone());
                let end = b.binary(Binary::Add, start, size);
                tests.push(compare(b, &shape, axis, (Comparison::Lt, end)));
            }
        }
    }
    let node = spread(b, part.node, &kept, &shape);
    match tests.into_iter().reduce(|all, test| b.binary(Binary::And, all, test)) {
        Some(inside) => x.with(b.select(inside, node, x.node)),
        None => x.with(node),
    }
}

/// An axis of the part as long as the whole, its elements in their places, and where they begin.
fn moved(
    b: &mut Builder,
    part: &Tensor,
    axis: usize,
    (whole, start, size): (&Dim, &Bound, &Dim),
) -> (NodeId, Tensor) {
    if let Bound::Extent(start) = start {
        let mut low = vec![Dim::default(); part.rank()];
        let mut high = low.clone();
        low[axis] = start.clone();
        high[axis] = whole.clone() - start.clone() - size.clone();
        let zero = b.constant(Scalar::from_i64(part.element(b), 0));
        let node = b.pad(part.node, zero, &low, &high);
        return (b.extent(start.clone()), part.with(node));
    }
    let (start, last) = (number(b, start), b.extent(whole.clone() - size.clone()));
    let zero = b.constant(Scalar::from_i64(Element::I64, 0));
    let start = b.binary(Binary::Min, start, last);
    let start = b.binary(Binary::Max, start, zero);
    let line = std::slice::from_ref(whole);
    let places = b.iota(line, 0);
    let offset = b.broadcast(start, line, &[]);
    let places = b.binary(Binary::Sub, places, offset);
    let node = take_along(b, part, axis, places);
    (start, part.with(node))
}

fn number(b: &mut Builder, bound: &Bound) -> NodeId {
    match bound {
        Bound::Extent(dim) => b.extent(dim.clone()),
        Bound::Value(value) => b.convert(Element::I64, value.node),
    }
}

/// How the positions along an axis compare with one number.
fn compare(
    b: &mut Builder,
    shape: &[Dim],
    axis: usize,
    (comparison, number): (Comparison, NodeId),
) -> NodeId {
    let positions = b.iota(shape, axis);
    let number = b.broadcast(number, shape, &[]);
    b.compare(comparison, positions, number)
}
