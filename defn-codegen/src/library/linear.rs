//! Linear algebra.
//!
//! ```text
//! cholesky(a, i, j)          for k in 0..n {                     for a block
//!                              p = row k of m / sqrt(m[k, k])    m begins as a beside the unit matrix,
//!                              rows i > k: m - p[i] * p          and ends as Lᵀ beside the inverse of L
//!                              row k: p
//!                            }
//! ```
//!
//! Matrices of known extent are factored block column by block column: what the columns in front contribute is a product, and so is
//! what the inverse of a block makes of the rows below. Products go as fast as the processor; eliminating row by row goes as fast as memory.

use super::wide::widely;
use super::{AxisRef, Result, Tensor, axes, show};
use crate::diagnostic::catalogue::{AxisMistake, ElementMistake};
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Comparison, Dim, Element, Keep, NodeId, Op, Output, Repeat, Scalar, TensorType, Times,
    Unary,
};

/// The columns of a block: the rank-one updates of a block stay in the first cache, and products have columns enough for their tiles.
const BLOCK: i64 = 32;
/// Larger matrices have larger blocks: each is code of its own.
const MOST_BLOCKS: i64 = 16;

/// The matrix `L` with `x = L·Lᵀ` over the axes `(i, j)`, zero where `j > i`; nothing is read there.
///
/// Follows `numpy.linalg.cholesky`, but for matrices that are not positive definite, which give NaN as in JAX.
pub fn cholesky(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [x], |b, [x]| cholesky_of(b, x, over))
}

fn cholesky_of(b: &mut Builder, x: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let over = axes(b, x, over)?;
    let operation = "cholesky".to_owned();
    if !x.element(b).is_float() {
        return Err(ElementMistake::NeedsFloat { operation, ty: show(b, x) }.into());
    }
    let shape = x.shape(b);
    let [row, column] = over.as_slice() else {
        crate::bug!("library", "a matrix has two axes, not {}", over.len())
    };
    let extent = shape[*row].clone();
    if extent != shape[*column] {
        return Err(AxisMistake::NotSquare { operation, ty: show(b, x) }.into());
    }
    let others = (0..shape.len()).filter(|axis| !over.contains(axis));
    let order: Vec<usize> = others.chain(over.iter().copied()).collect();
    let mut back = vec![0; order.len()];
    for (position, axis) in order.iter().enumerate() {
        back[*axis] = position;
    }
    let matrices = b.transpose(x.node, &order);
    let lower = match extent.as_constant() {
        Some(extent) if extent > BLOCK => in_blocks(b, matrices, extent),
        _ => {
            let reduced = eliminated(b, matrices, &extent);
            lower_of(b, reduced)
        }
    };
    Ok(x.with(b.transpose(lower, &back)))
}

/// Block column by block column.
fn in_blocks(b: &mut Builder, x: NodeId, extent: i64) -> NodeId {
    let zero = Scalar::from_i64(b.ty(x).element, 0);
    let axis = b.ty(x).rank() - 2;
    let mut lines = Vec::new();
    // The rows from the block on of all columns in front.
    let mut front: Option<NodeId> = None;
    let widest = BLOCK * ((extent - 1) / (MOST_BLOCKS * BLOCK) + 1);
    let mut end = 0;
    while end < extent {
        let (begin, width) = (end, widest.min(extent - end));
        end += width;
        let mut own = part(b, x, (begin, extent), (begin, end));
        let mut line = Vec::new();
        if let Some(front) = front {
            let known = rows(b, front, 0, width);
            line.push(known);
            let known = b.contract(front, known, axis, 1);
            own = b.binary(Binary::Sub, own, known);
        }
        let block = rows(b, own, 0, width);
        let (diagonal, below) = factored(b, (own, block), extent - begin);
        line.push(diagonal);
        if end < extent {
            let mut shape = b.shape(diagonal);
            shape[axis + 1] = Dim::from(extent - end);
            line.push(b.splat(zero, &shape));
        }
        lines.push(b.concat(axis + 1, &line));
        front = below.map(|below| match front {
            None => below,
            Some(front) => {
                let rest = rows(b, front, width, extent - end);
                b.concat(axis + 1, &[rest, below])
            }
        });
    }
    b.concat(axis, &lines)
}

/// The lower matrix of a block, and what it makes of the rows below, if there are any.
fn factored(
    b: &mut Builder,
    (own, block): (NodeId, NodeId),
    height: i64,
) -> (NodeId, Option<NodeId>) {
    let shape = b.shape(block);
    let (axis, width) = (shape.len() - 2, shape[shape.len() - 1].clone());
    let count = width.as_constant().unwrap_or_default();
    if height == count {
        let reduced = eliminated(b, block, &width);
        return (lower_of(b, reduced), None);
    }
    let element = b.ty(block).element;
    let (i, j) = (b.iota(&shape, axis), b.iota(&shape, axis + 1));
    let on_diagonal = b.compare(Comparison::Eq, i, j);
    let [zero, one] = [0, 1].map(|it| b.splat(Scalar::from_i64(element, it), &shape));
    let unit = b.select(on_diagonal, one, zero);
    let symmetric = mirrored(b, block);
    let both = b.concat(axis + 1, &[symmetric, unit]);
    let both = reduced(b, both, &width);
    let upper = part(b, both, (0, count), (0, count));
    let inverse = part(b, both, (0, count), (count, 2 * count));
    let below = rows(b, own, count, height - count);
    let below = b.contract(below, inverse, axis, 1);
    (lower_of(b, upper), Some(below))
}

/// Matrices whose upper halves become those of `L`, from the lower halves of symmetric ones.
fn eliminated(b: &mut Builder, x: NodeId, extent: &Dim) -> NodeId {
    let symmetric = mirrored(b, x);
    reduced(b, symmetric, extent)
}

/// Every row less what makes zeros of its elements in front of the diagonal, divided by the root of the diagonal.
fn reduced(b: &mut Builder, x: NodeId, extent: &Dim) -> NodeId {
    let ty = b.ty(x).clone();
    let mut body = Builder::new("body");
    for symbol in b.graph().symbols.clone() {
        body.symbol(&symbol);
    }
    let position = body.parameter("k", TensorType::scalar(Element::I64));
    let matrix = body.parameter("m", ty);
    let next = step(&mut body, (matrix, position), extent);
    let body = body.finish(vec![Output { node: next, updates: None }]);
    let times = Times::Extent(extent.clone());
    let keep = Keep::Residuals;
    let repeat = Repeat { times, state: 1, sequences: 0, reverse: false, keep, body };
    b.control(Op::Repeat(Box::new(repeat)), &[x])[0]
}

/// One row is divided by the root of its diagonal element; the rows behind it lose what they have of it.
fn step(b: &mut Builder, (matrix, position): (NodeId, NodeId), extent: &Dim) -> NodeId {
    let shape = b.shape(matrix);
    let (axis, batch) = (shape.len() - 2, &shape[..shape.len() - 2]);
    let of_batch: Vec<usize> = (0..axis).collect();
    let own = b.broadcast(position, batch, &[]);
    let row = b.take(matrix, own, axis);
    let diagonal = b.take(row, own, axis);
    let root = b.unary(Unary::Sqrt, diagonal);
    let one = b.splat(Scalar::from_i64(b.ty(matrix).element, 1), batch);
    let by = b.binary(Binary::Div, one, root);
    let row_shape = b.shape(row);
    let by = b.broadcast(by, &row_shape, &of_batch);
    let pivot = b.binary(Binary::Mul, row, by);
    // The matrix is symmetric, so that its column is its row.
    let mut factors = row_shape.clone();
    factors[axis] = extent.clone();
    let factor = b.slice(pivot, &vec![Dim::default(); row_shape.len()], &factors);
    let of_rows: Vec<usize> = (0..=axis).collect();
    let of_columns: Vec<usize> = of_batch.into_iter().chain([axis + 1]).collect();
    let factor = b.broadcast(factor, &shape, &of_rows);
    let pivot = b.broadcast(pivot, &shape, &of_columns);
    let product = b.binary(Binary::Mul, factor, pivot);
    let less = b.binary(Binary::Sub, matrix, product);
    let rows = b.iota(&shape, axis);
    let here = b.broadcast(position, &shape, &[]);
    let is_behind = b.compare(Comparison::Gt, rows, here);
    let is_own = b.compare(Comparison::Eq, rows, here);
    let kept = b.select(is_own, pivot, matrix);
    b.select(is_behind, less, kept)
}

/// The lower halves on both sides of the diagonals.
fn mirrored(b: &mut Builder, x: NodeId) -> NodeId {
    let turned = turned(b, x);
    halves(b, x, turned)
}

/// The upper halves, transposed, and zeros.
fn lower_of(b: &mut Builder, x: NodeId) -> NodeId {
    let turned = turned(b, x);
    let zero = b.splat(Scalar::from_i64(b.ty(x).element, 0), &b.shape(x));
    halves(b, turned, zero)
}

/// One up to the diagonal, the other behind it.
fn halves(b: &mut Builder, lower: NodeId, upper: NodeId) -> NodeId {
    let shape = b.shape(lower);
    let (i, j) = (b.iota(&shape, shape.len() - 2), b.iota(&shape, shape.len() - 1));
    let is_lower = b.compare(Comparison::Ge, i, j);
    b.select(is_lower, lower, upper)
}

fn turned(b: &mut Builder, x: NodeId) -> NodeId {
    let rank = b.ty(x).rank();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 2, rank - 1);
    b.transpose(x, &order)
}

fn rows(b: &mut Builder, x: NodeId, begin: i64, count: i64) -> NodeId {
    let shape = b.shape(x);
    let columns = shape[shape.len() - 1].as_constant().unwrap_or_default();
    part(b, x, (begin, begin + count), (0, columns))
}

/// Some rows and some columns.
fn part(b: &mut Builder, x: NodeId, rows: (i64, i64), columns: (i64, i64)) -> NodeId {
    let mut sizes = b.shape(x);
    let mut starts = vec![Dim::default(); sizes.len()];
    let axis = sizes.len() - 2;
    for (axis, (begin, end)) in [(axis, rows), (axis + 1, columns)] {
        starts[axis] = Dim::from(begin);
        sizes[axis] = Dim::from(end - begin);
    }
    b.slice(x, &starts, &sizes)
}
