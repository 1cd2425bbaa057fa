//! Tensors from nothing.

use super::axes::{at_most, distinct};
use super::movement::natural;
use super::{Axis, Result, Tensor, broadcast};
use crate::graph::build::Builder;
use crate::graph::{Comparison, Dim, Element, Scalar};

/// One value everywhere.
pub fn full(b: &mut Builder, value: &Tensor, axes: &[Axis]) -> Result<Tensor> {
    for axis in axes {
        at_most(b, &Dim::from(0), &axis.extent, "an extent");
    }
    broadcast(b, value, axes)
}

/// One number in the place of every element of `x`.
pub fn like(b: &mut Builder, x: &Tensor, value: i64) -> Tensor {
    let scalar = Scalar::from_i64(x.element(b), value);
    let node = b.splat(scalar, &x.shape(b));
    x.with(node)
}

/// `i64` positions along one axis.
pub fn iota(b: &mut Builder, axis: &Axis) -> Result<Tensor> {
    natural(b, &axis.extent)?;
    at_most(b, &Dim::from(0), &axis.extent, "an extent");
    let node = b.iota(std::slice::from_ref(&axis.extent), 0);
    Ok(Tensor::new(node, vec![axis.name.clone()]))
}

/// Ones where both positions are equal, zeros elsewhere.
pub fn eye(b: &mut Builder, element: Element, rows: &Axis, columns: &Axis) -> Result<Tensor> {
    natural(b, &rows.extent)?;
    natural(b, &columns.extent)?;
    let shape = [rows.extent.clone(), columns.extent.clone()];
    let (row, column) = (b.iota(&shape, 0), b.iota(&shape, 1));
    let diagonal = b.compare(Comparison::Eq, row, column);
    let node = b.convert(element, diagonal);
    let result = Tensor::new(node, vec![rows.name.clone(), columns.name.clone()]);
    distinct(b, &result)?;
    Ok(result)
}
