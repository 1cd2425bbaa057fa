//! Reductions over axes; without any, over all.
//!
//! An empty reduction gives the identity, a mean of nothing NaN (R11).

use super::arithmetic::arithmetic;
use super::wide::widely;
use super::{AxisRef, Method, Result, Tensor, axes, convert, show, unary};
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::{Binary, Combine, Dim, Element, NodeId, Scalar, Unary};

/// The reduced tensor.
fn reduce(b: &mut Builder, combine: Combine, x: &Tensor, axes: &[usize]) -> Tensor {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    let node = b.reduce(combine, x.node, &sorted);
    Tensor::new(node, x.names_without(axes))
}

/// A reduced tensor repeated along the axes that were reduced.
pub(super) fn restore(b: &mut Builder, reduced: NodeId, x: &Tensor, axes: &[usize]) -> Tensor {
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let shape = x.shape(b);
    let node = b.broadcast(reduced, &shape, &kept);
    x.with(node)
}

/// A mistake if the elements cannot be added up: truth values, and integers so narrow that sums overflow.
pub(super) fn summable(b: &Builder, operation: &str, x: &Tensor) -> Result<()> {
    let (operation, ty) = (operation.to_owned(), show(b, x));
    match x.element(b) {
        Element::Bool => Err(ElementMistake::SumOfBool { operation, ty }.into()),
        Element::U8 => Err(ElementMistake::NarrowSum { operation, ty }.into()),
        Element::F64
        | Element::F32
        | Element::F16
        | Element::Bf16
        | Element::I32
        | Element::I64
        | Element::U32
        | Element::U64 => Ok(()),
    }
}

fn floats(b: &Builder, operation: &str, x: &Tensor) -> Result<()> {
    let (operation, ty) = (operation.to_owned(), show(b, x));
    match x.element(b) {
        Element::F64 | Element::F32 | Element::F16 | Element::Bf16 => Ok(()),
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => {
            Err(ElementMistake::IntegerMean { operation, ty }.into())
        }
        Element::Bool => Err(ElementMistake::NeedsFloat { operation, ty }.into()),
    }
}

fn truths(b: &Builder, operation: &str, x: &Tensor) -> Result<()> {
    if x.element(b) == Element::Bool {
        return Ok(());
    }
    Err(ElementMistake::NeedsBool { operation: operation.to_owned(), ty: show(b, x) }.into())
}

/// The sum.
pub fn sum(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    summable(b, "sum", x)?;
    Ok(reduce(b, Combine::Add, x, &over))
}

/// The product.
pub fn product(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    summable(b, "product", x)?;
    Ok(reduce(b, Combine::Mul, x, &over))
}

/// The largest element; NaN if there is one.
pub fn max(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    Ok(reduce(b, Combine::Max, x, &over))
}

/// The smallest element; NaN if there is one.
pub fn min(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    Ok(reduce(b, Combine::Min, x, &over))
}

/// Whether one is true.
pub fn any(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    truths(b, "any", x)?;
    Ok(reduce(b, Combine::Max, x, &over))
}

/// Whether none is false.
pub fn all(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    truths(b, "all", x)?;
    Ok(reduce(b, Combine::Min, x, &over))
}

/// How many are true, as `i64`.
pub fn count(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    truths(b, "count", x)?;
    let ones = convert(b, x, Element::I64)?;
    Ok(reduce(b, Combine::Add, &ones, &over))
}

/// The mean.
pub fn mean(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [x], |b, [x]| mean_of(b, x, over))
}

fn mean_of(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    floats(b, "mean", x)?;
    mean_over(b, x, &over)
}

fn mean_over(b: &mut Builder, x: &Tensor, over: &[usize]) -> Result<Tensor> {
    let shape = x.shape(b);
    let size = over.iter().fold(Dim::from(1), |size, axis| size * shape[*axis].clone());
    let sum = reduce(b, Combine::Add, x, over);
    let size = match size.as_constant() {
        Some(size) => b.constant(Scalar::from_i64(x.element(b), size)),
        None => {
            let size = b.extent(size);
            b.convert(x.element(b), size)
        }
    };
    arithmetic(b, Binary::Div, &sum, &Tensor::scalar(size))
}

/// The mean of the squared distances from the mean.
pub fn variance(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [x], |b, [x]| variance_of(b, x, over))
}

fn variance_of(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    floats(b, "variance", x)?;
    let mean = mean_over(b, x, &over)?;
    let mean = restore(b, mean.node, x, &over);
    let distance = arithmetic(b, Binary::Sub, x, &mean)?;
    let square = arithmetic(b, Binary::Mul, &distance, &distance)?;
    mean_over(b, &square, &over)
}

/// ln Σ eˣ, without overflow.
pub fn logsumexp(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [x], |b, [x]| logsumexp_of(b, x, over))
}

fn logsumexp_of(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    floats(b, "logsumexp", x)?;
    let largest = stopped_max(b, x, &over);
    // Where everything is −∞ (or nothing is there), or something ∞, the distance to the largest would be NaN.
    let finite = unary(b, Method::IsFinite, &largest)?;
    let zero = Tensor::scalar(b.number(x.element(b), 0.0));
    let shift = super::select(b, &finite, &largest, &zero)?;
    let shift_back = restore(b, shift.node, x, &over);
    let distance = arithmetic(b, Binary::Sub, x, &shift_back)?;
    let exp = b.unary(Unary::Exp, distance.node);
    let sum = reduce(b, Combine::Add, &x.with(exp), &over);
    let log = b.unary(Unary::Log, sum.node);
    arithmetic(b, Binary::Add, &sum.with(log), &shift)
}

/// eˣ · (1 / Σ eˣ), without overflow.
///
/// A row has one division, and its elements have a product each: that is one rounding more, of three halves of a unit in the last place
/// instead of one, beside those of the exponential and of the sum. The sum lies between one and the length, so nothing is lost otherwise.
pub fn softmax(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [x], |b, [x]| softmax_of(b, x, over))
}

fn softmax_of(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    floats(b, "softmax", x)?;
    let largest = stopped_max(b, x, &over);
    let largest = restore(b, largest.node, x, &over);
    let distance = arithmetic(b, Binary::Sub, x, &largest)?;
    let exp = b.unary(Unary::Exp, distance.node);
    let sum = reduce(b, Combine::Add, &x.with(exp), &over);
    let one = Tensor::scalar(b.number(x.element(b), 1.0));
    let scale = arithmetic(b, Binary::Div, &one, &sum)?;
    let scale = restore(b, scale.node, x, &over);
    arithmetic(b, Binary::Mul, &x.with(exp), &scale)
}

/// The maximum as a shift that the result does not depend on, so that no derivative goes through it.
fn stopped_max(b: &mut Builder, x: &Tensor, over: &[usize]) -> Tensor {
    let largest = reduce(b, Combine::Max, x, over);
    let stopped = b.unary(Unary::StopGrad, largest.node);
    largest.with(stopped)
}
