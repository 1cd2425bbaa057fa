//! Where the largest and the smallest element stand.
//!
//! ```text
//! m = max(x, axes)
//! hit = x == m or x is NaN              if one is NaN, the first NaN is the largest
//! argmax = min(select(hit, position, i64::MAX), axes)
//! ```
//!
//! Of several equal ones the first counts; of none at all the position is 0 (R11).

use super::reduce::restore;
use super::{AxisRef, Result, Tensor, axes};
use crate::graph::build::Builder;
use crate::graph::{Binary, Combine, Comparison, Element, NodeId, Scalar};

/// The position of the largest element, `i64`; over several axes, the row-major position in the order of `over`.
pub fn argmax(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    extreme(b, Combine::Max, x, over)
}

/// The position of the smallest element.
pub fn argmin(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    extreme(b, Combine::Min, x, over)
}

fn extreme(b: &mut Builder, combine: Combine, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    let mut sorted = over.clone();
    sorted.sort_unstable();
    let best = b.reduce(combine, x.node, &sorted);
    let best = restore(b, best, x, &over);
    let mut hit = b.compare(Comparison::Eq, x.node, best.node);
    if x.element(b).is_float() {
        let nan = b.compare(Comparison::Ne, x.node, x.node);
        hit = b.binary(Binary::Or, hit, nan);
    }
    let shape = x.shape(b);
    let positions = row_major(b, x, &over);
    let beyond = Scalar::from_i64(Element::I64, i64::MAX);
    let far = b.splat(beyond, &shape);
    let candidates = b.select(hit, positions, far);
    let first = b.reduce(Combine::Min, candidates, &sorted);
    let result_shape = b.shape(first);
    let far = b.splat(beyond, &result_shape);
    let none = b.compare(Comparison::Eq, first, far);
    let zero = b.splat(Scalar::from_i64(Element::I64, 0), &result_shape);
    let node = b.select(none, zero, first);
    Ok(Tensor::new(node, x.names_without(&over)))
}

/// The position of every element among those of `over`.
fn row_major(b: &mut Builder, x: &Tensor, over: &[usize]) -> NodeId {
    let shape = x.shape(b);
    let mut positions: Option<NodeId> = None;
    for axis in over {
        let own = b.iota(&shape, *axis);
        positions = Some(match positions {
            None => own,
            Some(before) => {
                let extent = b.extent(shape[*axis].clone());
                let extent = b.broadcast(extent, &shape, &[]);
                let scaled = b.binary(Binary::Mul, before, extent);
                b.binary(Binary::Add, scaled, own)
            }
        });
    }
    positions.unwrap_or_else(|| b.splat(Scalar::from_i64(Element::I64, 0), &shape))
}
