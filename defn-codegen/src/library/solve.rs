//! Systems of linear equations.
//!
//! ```text
//! solve(a, b)                for k in 0..n {                                for k in (0..n).rev() {
//!                              p = the row from k on with the largest m[p, k]   row k of x: / m[k, k]
//!                              rows k and p change places                    rows i < k of x: - m[i, k] * x[k]
//!                              rows i > k: - m[i, k] / m[k, k] * m[k]      }
//!                            }
//! ```
//!
//! `m` is `a` beside `b`, and `x` what has become of `b`. Large matrices of known extent are eliminated block column by block column:
//! the rows of a block are found among its own columns, and everything beside them changes by products, which go as fast as the processor.
//!
//! No derivative goes through the elimination: how the solution moves follows from `a·x = b` (Giles, 2008).

use super::arithmetic::same_element;
use super::axes::{axis_word, distinct};
use super::wide::widely;
use super::{AxisRef, Result, Tensor, axes, axis, relate, show};
use crate::diagnostic::catalogue::{AxisMistake, ElementMistake};
use crate::graph::build::Builder;
use crate::graph::{
    Binary, Combine, Comparison, Dim, Element, Equation, Keep, NodeId, Op, Output, Repeat, Scalar,
    TensorType, Times, Unary,
};

/// The columns of a block: the updates of a block by single rows stay in the first cache, and products have columns enough for their tiles.
pub(super) const BLOCK: i64 = 32;
/// Larger matrices have larger blocks: each is code of its own.
pub(super) const MOST_BLOCKS: i64 = 16;

/// The `x` with `x.dot(a, column) = b`: square matrices over the axes `(row, column)` of `a`, and `b` with an axis `row`, in whose place `x`
/// has the axis `column`. Other axes that both have are batches, of others each has its own; those of `a` alone come last.
///
/// Follows `numpy.linalg.solve`, but for singular matrices, which give infinities or NaN as in JAX.
pub fn solve(b: &mut Builder, a: &Tensor, side: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [a, side], |b, [a, side]| solve_of(b, a, side, over))
}

fn solve_of(b: &mut Builder, a: &Tensor, side: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    const OPERATION: &str = "solve";
    let [row, column] = square(b, OPERATION, a, over)?;
    same_element(b, OPERATION, a, side)?;
    let of_side = match &a.names[row] {
        Some(name) => axis(b, side, &AxisRef::Name(name.clone()))?,
        None => axis(b, side, &over[0])?,
    };
    let (extent, own) = (&a.shape(b)[row], &side.shape(b)[of_side]);
    if extent != own {
        return Err(relate(b, &axis_word(a, row), (a, extent), (side, own)).into());
    }
    let mut solved = side.clone();
    solved.names[of_side].clone_from(&a.names[column]);
    distinct(b, &solved)?;

    // Axes that both have, then those of the matrices alone.
    let others = (0..a.rank()).filter(|axis| *axis != row && *axis != column);
    let shared = |axis: &usize| a.names[*axis].as_deref().and_then(|name| side.position(name));
    let (batch, alone): (Vec<usize>, Vec<usize>) = others.partition(|it| shared(it).is_some());
    let mut beside: Vec<usize> = Vec::new();
    for axis in &batch {
        let Some(place) = shared(axis) else { continue };
        let (left, right) = (&a.shape(b)[*axis], &side.shape(b)[place]);
        if left != right {
            return Err(relate(b, &axis_word(a, *axis), (a, left), (side, right)).into());
        }
        beside.push(place);
    }
    if alone.iter().any(|axis| a.names[*axis].is_none()) {
        let (left, right) = (show(b, a), show(b, side));
        return Err(AxisMistake::UnnamedCount { left, right }.into());
    }
    let order: Vec<usize> = alone.iter().chain(&batch).copied().chain([row, column]).collect();
    let matrices = b.transpose(a.node, &order);
    let (sides, apart) = in_columns(b, (side, of_side, &beside), (matrices, alone.len()));
    let found = solutions(b, matrices, sides);
    let node = apart.undo(b, found);
    solved.names.extend(alone.iter().map(|axis| a.names[*axis].clone()));
    Ok(Tensor::new(node, solved.names))
}

/// The matrices with `a·a⁻¹ = 1` over the axes `(row, column)`, in the axes of `a`.
///
/// Follows `numpy.linalg.inv`, but for singular matrices, which give infinities or NaN as in JAX.
pub fn inverse(b: &mut Builder, a: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    widely(b, [a], |b, [a]| inverse_of(b, a, over))
}

fn inverse_of(b: &mut Builder, a: &Tensor, over: &[AxisRef]) -> Result<Tensor> {
    let [row, column] = square(b, "inverse", a, over)?;
    let others = (0..a.rank()).filter(|axis| *axis != row && *axis != column);
    let order: Vec<usize> = others.chain([row, column]).collect();
    let matrices = b.transpose(a.node, &order);
    let inverted = inverses(b, matrices);
    Ok(a.with(b.transpose(inverted, &reversed(&order))))
}

/// The inverses of matrices over the last two axes.
pub fn inverses(b: &mut Builder, matrices: NodeId) -> NodeId {
    let unit = unit(b, matrices);
    solutions(b, matrices, unit)
}

/// The two axes of square matrices of floats.
pub(super) fn square(
    b: &Builder,
    operation: &str,
    a: &Tensor,
    over: &[AxisRef],
) -> Result<[usize; 2]> {
    let over = axes(b, a, over)?;
    let operation = operation.to_owned();
    if !a.element(b).is_float() {
        return Err(ElementMistake::NeedsFloat { operation, ty: show(b, a) }.into());
    }
    let [row, column] = over[..] else {
        crate::bug!("library", "a matrix has two axes, not {}", over.len())
    };
    let shape = a.shape(b);
    match shape[row] == shape[column] {
        true => Ok([row, column]),
        false => Err(AxisMistake::NotSquare { operation, ty: show(b, a) }.into()),
    }
}

/// How columns of right sides become what they were.
struct Apart {
    /// The shape with all axes of the columns.
    shape: Vec<Dim>,
    /// The order of its axes.
    order: Vec<usize>,
}

impl Apart {
    fn undo(&self, b: &mut Builder, sides: NodeId) -> NodeId {
        let sides = b.reshape(sides, &self.shape);
        b.transpose(sides, &self.order)
    }
}

/// Right sides as columns, for each of the matrices: `[alone.., batch.., n, columns]`.
fn in_columns(
    b: &mut Builder,
    (side, row, batch): (&Tensor, usize, &[usize]),
    (matrices, alone): (NodeId, usize),
) -> (NodeId, Apart) {
    let rank = side.rank();
    let free: Vec<usize> = (0..rank).filter(|axis| *axis != row && !batch.contains(axis)).collect();
    let order: Vec<usize> = batch.iter().copied().chain([row]).chain(free).collect();
    let moved = b.transpose(side.node, &order);
    let own = b.shape(moved);
    let of_matrices = b.shape(matrices);
    let shape: Vec<Dim> = of_matrices[..alone].iter().cloned().chain(own).collect();
    let axes: Vec<usize> = (alone..alone + rank).collect();
    let moved = b.broadcast(moved, &shape, &axes);
    let kept = alone + batch.len() + 1;
    let count = shape[kept..].iter().fold(Dim::from(1), |count, extent| count * extent.clone());
    let mut flat = shape[..kept].to_vec();
    flat.push(count);
    let sides = b.reshape(moved, &flat);
    let mut back: Vec<usize> = reversed(&order).into_iter().map(|axis| alone + axis).collect();
    back.extend(0..alone);
    (sides, Apart { shape, order: back })
}

fn reversed(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    for (position, axis) in order.iter().enumerate() {
        back[*axis] = position;
    }
    back
}

/// The solutions of `[batch.., n, n]` for `[batch.., n, k]`, as what solves the equation.
pub fn solutions(b: &mut Builder, matrices: NodeId, sides: NodeId) -> NodeId {
    let [still, side] = [matrices, sides].map(|node| b.unary(Unary::StopGrad, node));
    let extent = b.shape(still).pop().unwrap_or_default();
    let found = match extent.as_constant() {
        Some(extent) if extent > BLOCK => in_blocks(b, [still, side], extent),
        _ => at_once(b, [still, side]),
    };
    let ty = b.ty(found).clone();
    b.apply(Op::Implicit(Equation::Linear), &[found, matrices, sides], ty)
}

/// Up to here rows rise one by one: written out, a choice between two rows is less than one among all.
pub(super) const SMALL: i64 = 8;

/// What becomes of the rows behind a pivot that is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZeroPivot {
    /// They are divided by it.
    Divides,
    /// They stay: there is nothing to take away.
    Stays,
}

impl ZeroPivot {
    /// One over a pivot.
    fn reciprocal(self, b: &mut Builder, pivot: NodeId) -> NodeId {
        let ty = b.ty(pivot).clone();
        let one = b.splat(Scalar::from_i64(ty.element, 1), &ty.shape);
        let divisor = match self {
            Self::Divides => pivot,
            Self::Stays => {
                let zero = b.splat(Scalar::from_i64(ty.element, 0), &ty.shape);
                let is_zero = b.compare(Comparison::Eq, pivot, zero);
                b.select(is_zero, one, pivot)
            }
        };
        b.binary(Binary::Div, one, divisor)
    }
}

/// Row `i` changes places with row `k` before it, if its element in column `k` is larger; and where it does.
pub(super) fn sifted(b: &mut Builder, x: NodeId, [k, i]: [NodeId; 2]) -> [NodeId; 2] {
    let shape = b.shape(x);
    let axis = shape.len() - 2;
    let batch = &shape[..axis];
    let of_batch: Vec<usize> = (0..axis).collect();
    let of_columns: Vec<usize> = of_batch.iter().copied().chain([axis + 1]).collect();
    let [first, second] = [k, i].map(|it| b.broadcast(it, batch, &[]));
    let [upper, lower] = [first, second].map(|it| b.take(x, it, axis));
    let [own, other] = [upper, lower].map(|row| {
        let element = b.take(row, first, axis);
        b.unary(Unary::Abs, element)
    });
    let is_larger = b.compare(Comparison::Gt, other, own);
    let is_behind = b.compare(Comparison::Gt, second, first);
    let swaps = b.binary(Binary::And, is_larger, is_behind);
    let rows = b.iota(&shape, axis);
    let swapped = swaps;
    let swaps = b.broadcast(swaps, &shape, &of_batch);
    let [rises, sinks] = [k, i].map(|it| {
        let here = b.broadcast(it, &shape, &[]);
        let is_own = b.compare(Comparison::Eq, rows, here);
        b.binary(Binary::And, is_own, swaps)
    });
    let [upper, lower] = [upper, lower].map(|row| b.broadcast(row, &shape, &of_columns));
    let rest = b.select(sinks, upper, x);
    [b.select(rises, lower, rest), swapped]
}

/// The rows behind row `k` lose what they have of it.
pub(super) fn reduced(b: &mut Builder, x: NodeId, k: NodeId, zero: ZeroPivot) -> NodeId {
    let shape = b.shape(x);
    let axis = shape.len() - 2;
    let of_batch: Vec<usize> = (0..axis).collect();
    let of_rows: Vec<usize> = (0..=axis).collect();
    let of_columns: Vec<usize> = of_batch.iter().copied().chain([axis + 1]).collect();
    let mut turned: Vec<usize> = (0..shape.len()).collect();
    turned.swap(axis, axis + 1);
    let columns = b.transpose(x, &turned);
    let own = b.broadcast(k, &shape[..axis], &[]);
    let pivot = b.take(x, own, axis);
    let column = b.take(columns, own, axis);
    let divisor = b.take(pivot, own, axis);
    let by = zero.reciprocal(b, divisor);
    let by = b.broadcast(by, &shape[..=axis], &of_batch);
    let factor = b.binary(Binary::Mul, column, by);
    let factor = b.broadcast(factor, &shape, &of_rows);
    let pivot = b.broadcast(pivot, &shape, &of_columns);
    let product = b.binary(Binary::Mul, factor, pivot);
    let less = b.binary(Binary::Sub, x, product);
    let rows = b.iota(&shape, axis);
    let here = b.broadcast(k, &shape, &[]);
    let is_behind = b.compare(Comparison::Gt, rows, here);
    b.select(is_behind, less, x)
}

/// Row by row.
fn at_once(b: &mut Builder, [matrices, sides]: [NodeId; 2]) -> NodeId {
    let axis = b.ty(matrices).rank() - 2;
    let shape = b.shape(sides);
    let both = b.concat(axis + 1, &[matrices, sides]);
    let extent = &shape[axis];
    let is_small = extent.as_constant().is_some_and(|extent| extent <= SMALL);
    let eliminated = repeated(b, (&[both], &[]), (extent, false), |b, k, state, _| {
        let next = match is_small {
            true => {
                let sifted = repeated(b, (state, &[k]), (extent, false), |b, i, state, rest| {
                    vec![sifted(b, state[0], [rest[0], i])[0]]
                });
                reduced(b, sifted[0], k, ZeroPivot::Divides)
            }
            false => pivoted(b, (state[0], None), k, ZeroPivot::Divides).0,
        };
        vec![next]
    });
    let [upper, sides] = divided(b, eliminated[0], &shape[axis]);
    substituted(b, upper, sides)
}

/// Columns up to `at`, and behind.
pub(super) fn divided(b: &mut Builder, x: NodeId, at: &Dim) -> [NodeId; 2] {
    let shape = b.shape(x);
    let last = shape.len() - 1;
    let (mut left, mut right) = (shape.clone(), shape.clone());
    left[last].clone_from(at);
    right[last] = shape[last].clone() - at.clone();
    let mut starts = vec![Dim::default(); shape.len()];
    let left = b.slice(x, &starts, &left);
    starts[last].clone_from(at);
    [left, b.slice(x, &starts, &right)]
}

/// Rows up to `at`, and behind.
pub(super) fn split_rows(b: &mut Builder, x: NodeId, at: i64) -> [NodeId; 2] {
    let shape = b.shape(x);
    let axis = shape.len() - 2;
    let (mut above, mut below) = (shape.clone(), shape.clone());
    above[axis] = Dim::from(at);
    below[axis] = shape[axis].clone() - Dim::from(at);
    let mut starts = vec![Dim::default(); shape.len()];
    let above = b.slice(x, &starts, &above);
    starts[axis] = Dim::from(at);
    [above, b.slice(x, &starts, &below)]
}

/// A loop over an extent, in one of two directions, with some state and some values that stay.
pub(super) fn repeated(
    b: &mut Builder,
    (state, rest): (&[NodeId], &[NodeId]),
    (times, reverse): (&Dim, bool),
    step: impl Fn(&mut Builder, NodeId, &[NodeId], &[NodeId]) -> Vec<NodeId>,
) -> Vec<NodeId> {
    let mut body = Builder::new("body");
    for symbol in b.graph().symbols.clone() {
        body.symbol(&symbol);
    }
    let k = body.parameter("k", TensorType::scalar(Element::I64));
    let operands = [state, rest].concat();
    let parameters: Vec<NodeId> = operands
        .iter()
        .enumerate()
        .map(|(at, node)| body.parameter(&format!("v{at}"), b.ty(*node).clone()))
        .collect();
    let (inner, outer) = parameters.split_at(state.len());
    let next = step(&mut body, k, inner, outer);
    let results = next.into_iter().map(|node| Output { node, updates: None });
    let body = body.finish(results.collect());
    let (times, keep) = (Times::Extent(times.clone()), Keep::Residuals);
    let repeat = Repeat { times, state: state.len(), sequences: 0, reverse, keep, body };
    b.control(Op::Repeat(Box::new(repeat)), &operands)
}

/// One step of an elimination: the row from `k` on that is largest in column `k` comes to place `k`, and the rows behind lose what they
/// have of it. With an order, what is behind the diagonal below keeps the factors, and the order changes as the rows do.
pub(super) fn pivoted(
    b: &mut Builder,
    (x, order): (NodeId, Option<NodeId>),
    position: NodeId,
    zero: ZeroPivot,
) -> (NodeId, Option<NodeId>) {
    let shape = b.shape(x);
    let axis = shape.len() - 2;
    let batch = &shape[..axis];
    let of_batch: Vec<usize> = (0..axis).collect();
    let of_rows: Vec<usize> = (0..=axis).collect();
    let of_columns: Vec<usize> = of_batch.iter().copied().chain([axis + 1]).collect();
    let tall = &shape[..=axis];

    // The columns in front, so that one of them is taken.
    let mut turned: Vec<usize> = (0..shape.len()).collect();
    turned.swap(axis, axis + 1);
    let columns = b.transpose(x, &turned);
    let own = b.broadcast(position, batch, &[]);
    let column = b.take(columns, own, axis);
    let chosen = largest(b, column, position);
    let rows = b.iota(tall, axis);
    let [here, there] = [(position, vec![]), (chosen, of_batch.clone())]
        .map(|(it, axes)| b.broadcast(it, tall, &axes));
    let is_own = b.compare(Comparison::Eq, rows, here);
    let is_chosen = b.compare(Comparison::Eq, rows, there);
    let is_below = b.compare(Comparison::Gt, rows, here);

    let pivot = b.take(x, chosen, axis);
    let upper = b.take(x, own, axis);
    let divisor = b.take(pivot, own, axis);
    let top = b.take(column, own, axis);
    let by = zero.reciprocal(b, divisor);
    let [by, top] = [by, top].map(|it| b.broadcast(it, tall, &of_batch));
    let moved = b.select(is_chosen, top, column);
    let factor = b.binary(Binary::Mul, moved, by);

    let [is_own, is_chosen, is_below, factor] =
        [is_own, is_chosen, is_below, factor].map(|it| b.broadcast(it, &shape, &of_rows));
    let [pivot, upper] = [pivot, upper].map(|it| b.broadcast(it, &shape, &of_columns));
    let swapped = b.select(is_chosen, upper, x);
    let product = b.binary(Binary::Mul, factor, pivot);
    let mut less = b.binary(Binary::Sub, swapped, product);
    if order.is_some() {
        let columns = b.iota(&shape, axis + 1);
        let here = b.broadcast(position, &shape, &[]);
        let is_factor = b.compare(Comparison::Eq, columns, here);
        let is_behind = b.compare(Comparison::Gt, columns, here);
        let kept = b.select(is_factor, factor, swapped);
        less = b.select(is_behind, less, kept);
    }
    let kept = b.select(is_own, pivot, swapped);
    let next = b.select(is_below, less, kept);
    let order = order.map(|order| {
        let [first, second] = [own, chosen].map(|it| b.take(order, it, axis));
        let [first, second] = [first, second].map(|it| b.broadcast(it, tall, &of_batch));
        let (own, chosen) =
            (b.compare(Comparison::Eq, rows, here), b.compare(Comparison::Eq, rows, there));
        let kept = b.select(chosen, first, order);
        b.select(own, second, kept)
    });
    (next, order)
}

/// Where the element from `first` on is that is farthest from zero; the first of several, and the last of all if one is NaN.
pub(super) fn largest(b: &mut Builder, column: NodeId, first: NodeId) -> NodeId {
    let shape = b.shape(column);
    let axis = shape.len() - 1;
    let of_batch: Vec<usize> = (0..axis).collect();
    let rows = b.iota(&shape, axis);
    let from = b.broadcast(first, &shape, &[]);
    let counts = b.compare(Comparison::Ge, rows, from);
    let size = b.unary(Unary::Abs, column);
    let nothing = b.splat(Scalar::from_f64(b.ty(column).element, -1.0), &shape);
    let size = b.select(counts, size, nothing);
    let most = b.reduce(Combine::Max, size, &[axis]);
    let most = b.broadcast(most, &shape, &of_batch);
    let hit = b.compare(Comparison::Eq, size, most);
    let last = b.extent(shape[axis].clone() - Dim::from(1));
    let last = b.broadcast(last, &shape, &[]);
    let candidates = b.select(hit, rows, last);
    b.reduce(Combine::Min, candidates, &[axis])
}

/// The solutions for upper matrices, of which nothing below the diagonal is read.
fn substituted(b: &mut Builder, upper: NodeId, sides: NodeId) -> NodeId {
    let shape = b.shape(sides);
    let axis = shape.len() - 2;
    let mut turned: Vec<usize> = (0..shape.len()).collect();
    turned.swap(axis, axis + 1);
    let columns = b.transpose(upper, &turned);
    repeated(b, (&[sides], &[columns]), (&shape[axis], true), |b, k, state, rest| {
        let of_batch: Vec<usize> = (0..axis).collect();
        let of_rows: Vec<usize> = (0..=axis).collect();
        let of_columns: Vec<usize> = of_batch.iter().copied().chain([axis + 1]).collect();
        let own = b.broadcast(k, &shape[..axis], &[]);
        let column = b.take(rest[0], own, axis);
        let divisor = b.take(column, own, axis);
        let row = b.take(state[0], own, axis);
        let wide = b.shape(row);
        let divisor = b.broadcast(divisor, &wide, &of_batch);
        let row = b.binary(Binary::Div, row, divisor);
        let row = b.broadcast(row, &shape, &of_columns);
        let factor = b.broadcast(column, &shape, &of_rows);
        let product = b.binary(Binary::Mul, factor, row);
        let less = b.binary(Binary::Sub, state[0], product);
        let rows = b.iota(&shape, axis);
        let here = b.broadcast(k, &shape, &[]);
        let is_own = b.compare(Comparison::Eq, rows, here);
        let is_above = b.compare(Comparison::Lt, rows, here);
        let kept = b.select(is_own, row, state[0]);
        vec![b.select(is_above, less, kept)]
    })[0]
}

/// The unit matrices of the type of `x`.
fn unit(b: &mut Builder, x: NodeId) -> NodeId {
    let ty = b.ty(x).clone();
    let rank = ty.rank();
    let (i, j) = (b.iota(&ty.shape, rank - 2), b.iota(&ty.shape, rank - 1));
    let on_diagonal = b.compare(Comparison::Eq, i, j);
    let [zero, one] = [0, 1].map(|it| b.splat(Scalar::from_i64(ty.element, it), &ty.shape));
    b.select(on_diagonal, one, zero)
}

/// Block column by block column: what is left is below and to the right, with the right sides beside it.
fn in_blocks(b: &mut Builder, [matrices, sides]: [NodeId; 2], extent: i64) -> NodeId {
    let axis = b.ty(matrices).rank() - 2;
    let widest = BLOCK * ((extent - 1) / (MOST_BLOCKS * BLOCK) + 1);
    let mut rest = b.concat(axis + 1, &[matrices, sides]);
    let mut lines: Vec<(NodeId, NodeId)> = Vec::new();
    let mut begin = 0;
    while begin < extent {
        let width = widest.min(extent - begin);
        let [panel, beside] = divided(b, rest, &Dim::from(width));
        let (factors, order) = factored(b, panel, width);
        let beside = b.take(beside, order, axis);
        let [block, below] = split_rows(b, factors, width);
        let [above, others] = split_rows(b, beside, width);
        let lower = lower_inverse(b, block);
        let line = product(b, lower, above);
        let known = product(b, below, line);
        rest = b.binary(Binary::Sub, others, known);
        lines.push((block, line));
        begin += width;
    }
    let mut solved: Option<NodeId> = None;
    for (block, line) in lines.into_iter().rev() {
        let behind = match solved {
            None => Dim::from(0),
            Some(solved) => b.shape(solved)[axis].clone(),
        };
        let [factors, side] = divided(b, line, &behind);
        let side = match solved {
            None => side,
            Some(solved) => {
                let known = product(b, factors, solved);
                b.binary(Binary::Sub, side, known)
            }
        };
        let unit = unit(b, block);
        let inverse = substituted(b, block, unit);
        let own = product(b, inverse, side);
        solved = Some(match solved {
            None => own,
            Some(solved) => b.concat(axis, &[own, solved]),
        });
    }
    solved.unwrap_or(sides)
}

/// A panel with its factors below the diagonal, and the order of its rows.
fn factored(b: &mut Builder, panel: NodeId, width: i64) -> (NodeId, NodeId) {
    let shape = b.shape(panel);
    let order = b.iota(&shape[..shape.len() - 1], shape.len() - 2);
    let found =
        repeated(b, (&[panel, order], &[]), (&Dim::from(width), false), |b, k, state, _| {
            let (panel, order) = pivoted(b, (state[0], Some(state[1])), k, ZeroPivot::Divides);
            vec![panel, order.unwrap_or(state[1])]
        });
    (found[0], found[1])
}

/// The inverse of the matrix below the diagonal of a block, with ones on it.
pub(super) fn lower_inverse(b: &mut Builder, block: NodeId) -> NodeId {
    let shape = b.shape(block);
    let axis = shape.len() - 2;
    let mut turned: Vec<usize> = (0..shape.len()).collect();
    turned.swap(axis, axis + 1);
    let columns = b.transpose(block, &turned);
    let unit = unit(b, block);
    repeated(b, (&[unit], &[columns]), (&shape[axis], false), |b, k, state, rest| {
        let of_batch: Vec<usize> = (0..axis).collect();
        let of_rows: Vec<usize> = (0..=axis).collect();
        let of_columns: Vec<usize> = of_batch.iter().copied().chain([axis + 1]).collect();
        let own = b.broadcast(k, &shape[..axis], &[]);
        let column = b.take(rest[0], own, axis);
        let row = b.take(state[0], own, axis);
        let factor = b.broadcast(column, &shape, &of_rows);
        let row = b.broadcast(row, &shape, &of_columns);
        let product = b.binary(Binary::Mul, factor, row);
        let less = b.binary(Binary::Sub, state[0], product);
        let rows = b.iota(&shape, axis);
        let here = b.broadcast(k, &shape, &[]);
        let is_below = b.compare(Comparison::Gt, rows, here);
        vec![b.select(is_below, less, state[0])]
    })[0]
}

/// The products of matrices over the last two axes.
pub(super) fn product(b: &mut Builder, left: NodeId, right: NodeId) -> NodeId {
    let rank = b.ty(right).rank();
    let mut turned: Vec<usize> = (0..rank).collect();
    turned.swap(rank - 2, rank - 1);
    let right = b.transpose(right, &turned);
    b.contract(left, right, rank - 2, 1)
}
