//! Running sums, products and extremes along an axis.
//!
//! ```text
//! cumsum([1, 2, 3, 4])                 =  [1, 3, 6, 10]
//! cumsum([1, 2, 3, 4], reverse = true) =  [10, 9, 7, 4]
//! ```
//!
//! The result has the axes of the operand. What overflows when it is added up is refused, as in a sum.

use super::reduce::summable;
use super::{AxisRef, Result, Tensor, axis};
use crate::graph::Combine;
use crate::graph::build::Builder;

fn scan(b: &mut Builder, combine: Combine, x: &Tensor, along: usize, reverse: bool) -> Tensor {
    let node = b.scan(combine, x.node, along, reverse);
    x.with(node)
}

/// The sum of all elements so far.
pub fn cumsum(b: &mut Builder, x: &Tensor, along: &AxisRef, reverse: bool) -> Result<Tensor> {
    let along = axis(b, x, along)?;
    summable(b, "cumsum", x)?;
    Ok(scan(b, Combine::Add, x, along, reverse))
}

/// The product of all elements so far.
pub fn cumprod(b: &mut Builder, x: &Tensor, along: &AxisRef, reverse: bool) -> Result<Tensor> {
    let along = axis(b, x, along)?;
    summable(b, "cumprod", x)?;
    Ok(scan(b, Combine::Mul, x, along, reverse))
}

/// The largest element so far; NaN from the first one on.
pub fn cummax(b: &mut Builder, x: &Tensor, along: &AxisRef, reverse: bool) -> Result<Tensor> {
    let along = axis(b, x, along)?;
    Ok(scan(b, Combine::Max, x, along, reverse))
}

/// The smallest element so far; NaN from the first one on.
pub fn cummin(b: &mut Builder, x: &Tensor, along: &AxisRef, reverse: bool) -> Result<Tensor> {
    let along = axis(b, x, along)?;
    Ok(scan(b, Combine::Min, x, along, reverse))
}
