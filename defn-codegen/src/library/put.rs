//! A tensor with another part: `x[(i, 1..3, ..)] = part`.
//!
//! Every element is chosen, from the part where all positions agree and from the tensor elsewhere,
//! so a position that there is not changes nothing (R24).

use super::align::spread;
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
    /// `a..b` of extents that lie in the axis.
    Range(Dim, Dim),
}

/// `x` with `part` at the places, one for each axis of `x`; the part has the other axes of `x` in their order.
pub fn put(b: &mut Builder, x: &Tensor, places: &[Place], part: &Tensor) -> Tensor {
    let shape = x.shape(b);
    let kept: Vec<usize> =
        (0..shape.len()).filter(|axis| !matches!(places[*axis], Place::At(_))).collect();
    let mut low = vec![Dim::default(); kept.len()];
    let mut high = low.clone();
    let mut tests: Vec<NodeId> = Vec::new();
    for (axis, place) in places.iter().enumerate() {
        match place {
            Place::All => {}
            Place::At(position) => {
                let position = match position {
                    Bound::Extent(dim) => b.extent(dim.clone()),
                    Bound::Value(value) => b.convert(Element::I64, value.node),
                };
                tests.push(compare(b, &shape, axis, (Comparison::Eq, position)));
            }
            Place::Range(start, end) => {
                let own = kept.iter().position(|kept| *kept == axis).unwrap_or_default();
                low[own] = start.clone();
                high[own] = shape[axis].clone() - end.clone();
                let (start, end) = (b.extent(start.clone()), b.extent(end.clone()));
                tests.push(compare(b, &shape, axis, (Comparison::Ge, start)));
                tests.push(compare(b, &shape, axis, (Comparison::Lt, end)));
            }
        }
    }
    let mut node = part.node;
    if low.iter().chain(&high).any(|width| !width.is(0)) {
        let zero = b.constant(Scalar::from_i64(x.element(b), 0));
        node = b.pad(node, zero, &low, &high);
    }
    let node = spread(b, node, &kept, &shape);
    match tests.into_iter().reduce(|all, test| b.binary(Binary::And, all, test)) {
        Some(inside) => x.with(b.select(inside, node, x.node)),
        None => x.with(node),
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
