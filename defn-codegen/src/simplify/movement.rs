//! Laws of nodes that only move elements, and of what can be done before or after a movement.
//!
//! In:  a candidate.   Out: a simpler node with the same elements, if a law applies.
//!
//! ```text
//! before                                           after
//! %0: f32[n, m] = broadcast x axes=[0]             %0: f32[n] = exp x
//! %1: f32[n, m] = exp %0                           %1: f32[m, n] = broadcast %0 axes=[1]
//! %2: f32[m, n] = transpose %1 permutation=[1, 0]
//! ```
//!
//! Repetition goes outward, so that whatever can be done before it is done on fewer elements; a transpose goes inside a repetition,
//! a slice inside of everything that it can pass.
//! Afterwards: no movement follows one of its own kind, none is the identity.
//! Never here: a law that adds floats in another order.

use crate::graph::{Combine, Dim, NodeId, Op, Scalar, TensorType};

use super::Candidate;
use super::share::Sharing;
use super::window;

/// A simpler node.
pub(super) fn apply(sharing: &mut Sharing, candidate: &Candidate<'_>) -> Option<NodeId> {
    let Candidate { op, operands, ty } = *candidate;
    match op {
        Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select | Op::Convert => {
            before_repetition(sharing, candidate)
        }
        Op::Broadcast { axes } => broadcast(sharing, axes, operands[0], ty),
        Op::Transpose { permutation } => transpose(sharing, permutation, operands[0], ty),
        Op::Reshape => reshape(sharing, operands[0], ty),
        Op::Slice { starts } => slice(sharing, starts, operands[0], ty),
        Op::Pad { low, high } => pad(sharing, [low, high], [operands[0], operands[1]], ty),
        Op::Reverse { axes } => reverse(sharing, axes, operands[0], ty),
        Op::Window(sliding) => window::seen(sharing, sliding, operands[0], ty),
        Op::OverlapAdd(sliding) => window::overlapping(sharing, sliding, operands[0], ty),
        Op::Concat { axis } => concat(sharing, *axis, operands, ty),
        Op::Take { batch } => take(sharing, *batch, operands[0], ty),
        Op::Scan { combine, axis, reverse } => {
            scan(sharing, (*combine, *axis, *reverse), operands[0], ty)
        }
        // One element is in order.
        Op::Sort { axis, descending: _ } => is_unit(&ty.shape[*axis]).then_some(operands[0]),
        Op::Reduce { combine, axes } => reduce(sharing, *combine, axes, operands[0]),
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::AddAt { .. }
        | Op::Argsort { .. }
        | Op::Contract { .. }
        | Op::Implicit(_)
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => None,
    }
}

/// f(repeat x, repeat y) = repeat f(x, y), along every axis that all operands repeat.
fn before_repetition(sharing: &mut Sharing, candidate: &Candidate<'_>) -> Option<NodeId> {
    let Candidate { op, operands, ty } = *candidate;
    let mut covered = vec![false; ty.rank()];
    for operand in operands {
        let (_, axes) = sharing.as_broadcast(*operand)?;
        axes.iter().for_each(|axis| covered[*axis] = true);
    }
    let kept: Vec<usize> = (0..ty.rank()).filter(|axis| covered[*axis]).collect();
    if kept.len() == ty.rank() {
        return None;
    }
    let shape: Vec<Dim> = kept.iter().map(|axis| ty.shape[*axis].clone()).collect();
    let operands: Option<Vec<NodeId>> =
        operands.iter().map(|operand| narrowed(sharing, *operand, &kept, &shape)).collect();
    let node = sharing.node(op.clone(), &operands?, TensorType::new(ty.element, shape));
    Some(sharing.broadcast(node, &ty.shape, &kept))
}

/// A repetition that keeps only the axes `kept` of its result, all that its operand has among them.
fn narrowed(
    sharing: &mut Sharing,
    repetition: NodeId,
    kept: &[usize],
    shape: &[Dim],
) -> Option<NodeId> {
    let (core, axes) = sharing.as_broadcast(repetition)?;
    let axes = positions(axes, kept)?;
    Some(sharing.broadcast(core, shape, &axes))
}

/// Where each of `axes` stands in `kept`, if all do.
fn positions(axes: &[usize], kept: &[usize]) -> Option<Vec<usize>> {
    axes.iter().map(|axis| kept.iter().position(|candidate| candidate == axis)).collect()
}

pub(super) fn is_unit(dim: &Dim) -> bool {
    dim.is(1)
}

fn broadcast(sharing: &mut Sharing, axes: &[usize], x: NodeId, ty: &TensorType) -> Option<NodeId> {
    if axes.len() == ty.rank() {
        return Some(x);
    }
    let (core, inner) = sharing.as_broadcast(x)?;
    let composed: Vec<usize> = inner.iter().map(|axis| axes[*axis]).collect();
    Some(sharing.broadcast(core, &ty.shape, &composed))
}

fn transpose(
    sharing: &mut Sharing,
    permutation: &[usize],
    x: NodeId,
    ty: &TensorType,
) -> Option<NodeId> {
    if permutation.iter().enumerate().all(|(to, from)| to == *from) {
        return Some(x);
    }
    if let Op::Transpose { permutation: inner } = sharing.op(x) {
        let composed: Vec<usize> = permutation.iter().map(|axis| inner[*axis]).collect();
        let source = sharing.get(x).operands[0];
        return Some(sharing.transpose(source, &composed));
    }
    let (core, axes) = sharing.as_broadcast(x)?;
    let goes_to = |axis: usize| permutation.iter().position(|from| *from == axis);
    let axes: Option<Vec<usize>> = axes.iter().map(|axis| goes_to(*axis)).collect();
    Some(repeat_to(sharing, core, &axes?, &ty.shape))
}

/// Repeats `core` to `shape`, where its axis `k` becomes axis `axes[k]`, in any order.
pub(super) fn repeat_to(
    sharing: &mut Sharing,
    core: NodeId,
    axes: &[usize],
    shape: &[Dim],
) -> NodeId {
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_unstable_by_key(|axis| axes[*axis]);
    let sorted: Vec<usize> = order.iter().map(|axis| axes[*axis]).collect();
    let core = sharing.transpose(core, &order);
    sharing.broadcast(core, shape, &sorted)
}

fn reshape(sharing: &mut Sharing, x: NodeId, ty: &TensorType) -> Option<NodeId> {
    let shape = sharing.shape(x);
    if shape == ty.shape {
        return Some(x);
    }
    if *sharing.op(x) == Op::Reshape {
        let source = sharing.get(x).operands[0];
        return Some(sharing.reshape(source, &ty.shape));
    }
    if let Some(value) = sharing.splat_value(x) {
        return Some(sharing.splat(value, &ty.shape));
    }
    // A repetition that repeats nothing moves as little as a reshape.
    if let Some((core, axes)) = sharing.as_broadcast(x) {
        let repeated = |axis: &usize| !axes.contains(axis);
        if (0..shape.len()).filter(repeated).all(|axis| is_unit(&shape[axis])) {
            return Some(sharing.reshape(core, &ty.shape));
        }
    }
    let axes = inserted_units(&shape, &ty.shape)?;
    Some(sharing.broadcast(x, &ty.shape, &axes))
}

/// Where each axis of `shape` stands in `result`, if `result` has only axes of extent 1 besides.
fn inserted_units(shape: &[Dim], result: &[Dim]) -> Option<Vec<usize>> {
    let mut axes = Vec::with_capacity(shape.len());
    for (position, dim) in result.iter().enumerate() {
        if shape.get(axes.len()) == Some(dim) {
            axes.push(position);
        } else if !is_unit(dim) {
            return None;
        }
    }
    (axes.len() == shape.len()).then_some(axes)
}

fn slice(sharing: &mut Sharing, starts: &[Dim], x: NodeId, ty: &TensorType) -> Option<NodeId> {
    let from_front = starts.iter().all(|start| start.is(0));
    if from_front && sharing.shape(x) == ty.shape {
        return Some(x);
    }
    if let Some((core, axes)) = sharing.as_broadcast(x) {
        let axes = axes.to_vec();
        let inner: Vec<Dim> = axes.iter().map(|axis| starts[*axis].clone()).collect();
        let sizes: Vec<Dim> = axes.iter().map(|axis| ty.shape[*axis].clone()).collect();
        let core = sharing.slice(core, inner, &sizes);
        return Some(sharing.broadcast(core, &ty.shape, &axes));
    }
    let node = sharing.get(x).clone();
    if let Op::Slice { starts: inner } = &node.op {
        let sums = starts.iter().zip(inner).map(|(outer, inner)| outer.clone() + inner.clone());
        return Some(sharing.slice(node.operands[0], sums.collect(), &ty.shape));
    }
    if let Op::Transpose { permutation } = &node.op {
        let mut inner = starts.to_vec();
        let mut sizes = ty.shape.clone();
        for (position, axis) in permutation.iter().enumerate() {
            inner[*axis] = starts[position].clone();
            sizes[*axis] = ty.shape[position].clone();
        }
        let part = sharing.slice(node.operands[0], inner, &sizes);
        return Some(sharing.transpose(part, permutation));
    }
    if let Op::Window(sliding) = &node.op {
        return window::sliced(sharing, starts, sliding, [node.operands[0], x], ty);
    }
    if let Op::Pad { low, high: _ } = &node.op {
        return slice_of_pad(sharing, starts, low, &node.operands, ty);
    }
    if let Op::Concat { axis } = node.op {
        return slice_of_concat(sharing, starts, axis, &node.operands, ty);
    }
    let Op::Iota { axis } = node.op else { return None };
    starts[axis].is(0).then(|| sharing.node(Op::Iota { axis }, &[], ty.clone()))
}

/// Whether `dim` is a number that is not negative.
fn is_natural(dim: &Dim) -> bool {
    dim.as_constant().is_some_and(|value| value >= 0)
}

/// What is cut from inside of the padding is cut from the operand; what is cut from the padding is padding.
fn slice_of_pad(
    sharing: &mut Sharing,
    starts: &[Dim],
    low: &[Dim],
    operands: &[NodeId],
    ty: &TensorType,
) -> Option<NodeId> {
    let (x, value) = (operands[0], operands[1]);
    let shape = sharing.shape(x);
    let inner: Vec<Dim> =
        starts.iter().zip(low).map(|(start, low)| start.clone() - low.clone()).collect();
    let inside = |axis: usize| {
        let rest = shape[axis].clone() - inner[axis].clone() - ty.shape[axis].clone();
        is_natural(&inner[axis]) && is_natural(&rest)
    };
    if (0..shape.len()).all(inside) {
        return Some(sharing.slice(x, inner, &ty.shape));
    }
    let outside = |axis: usize| {
        let before = -(inner[axis].clone() + ty.shape[axis].clone());
        let behind = inner[axis].clone() - shape[axis].clone();
        is_natural(&before) || is_natural(&behind)
    };
    if (0..shape.len()).any(outside) {
        return Some(sharing.broadcast(value, &ty.shape, &[]));
    }
    // What is cut from the padding alone leaves less padding.
    let fewer: Vec<Dim> = inner.iter().map(|start| -start.clone()).collect();
    let behind = |axis: usize| inner[axis].clone() + ty.shape[axis].clone() - shape[axis].clone();
    let behind: Vec<Dim> = (0..shape.len()).map(behind).collect();
    fewer.iter().chain(&behind).all(is_natural).then(|| {
        let op = Op::Pad { low: fewer, high: behind };
        sharing.node(op, operands, ty.clone())
    })
}

/// What is cut from one of the operands is cut from it alone.
fn slice_of_concat(
    sharing: &mut Sharing,
    starts: &[Dim],
    axis: usize,
    operands: &[NodeId],
    ty: &TensorType,
) -> Option<NodeId> {
    let mut start = starts[axis].clone();
    for operand in operands {
        let extent = sharing.shape(*operand)[axis].clone();
        let rest = extent.clone() - start.clone() - ty.shape[axis].clone();
        if is_natural(&start) && is_natural(&rest) {
            let mut inner = starts.to_vec();
            inner[axis] = start;
            return Some(sharing.slice(*operand, inner, &ty.shape));
        }
        start = start - extent;
    }
    None
}

fn pad(
    sharing: &mut Sharing,
    [low, high]: [&[Dim]; 2],
    [x, value]: [NodeId; 2],
    ty: &TensorType,
) -> Option<NodeId> {
    if low.iter().chain(high).all(|width| width.is(0)) {
        return Some(x);
    }
    let same_value =
        sharing.splat_value(x).is_some() && sharing.splat_value(x) == sharing.splat_value(value);
    if same_value {
        return Some(sharing.broadcast(value, &ty.shape, &[]));
    }
    let node = sharing.get(x).clone();
    if let Op::Transpose { permutation } = &node.op {
        // What is written out keeps the order of what it is read from.
        let (mut before, mut behind) = (low.to_vec(), high.to_vec());
        let mut shape = ty.shape.clone();
        for (position, axis) in permutation.iter().enumerate() {
            before[*axis] = low[position].clone();
            behind[*axis] = high[position].clone();
            shape[*axis] = ty.shape[position].clone();
        }
        let op = Op::Pad { low: before, high: behind };
        let padded =
            sharing.node(op, &[node.operands[0], value], TensorType::new(ty.element, shape));
        return Some(sharing.transpose(padded, permutation));
    }
    if let Op::Window(sliding) = &node.op {
        return window::padded(sharing, [low, high], sliding, [node.operands[0], value], ty);
    }
    let Op::Pad { low: inner_low, high: inner_high } = &node.op else { return None };
    if node.operands[1] != value {
        return None;
    }
    let sums = |outer: &[Dim], inner: &[Dim]| -> Vec<Dim> {
        outer.iter().zip(inner).map(|(outer, inner)| outer.clone() + inner.clone()).collect()
    };
    let op = Op::Pad { low: sums(low, inner_low), high: sums(high, inner_high) };
    Some(sharing.node(op, &node.operands, ty.clone()))
}

fn reverse(sharing: &mut Sharing, axes: &[usize], x: NodeId, ty: &TensorType) -> Option<NodeId> {
    let turned: Vec<usize> =
        axes.iter().copied().filter(|axis| !is_unit(&ty.shape[*axis])).collect();
    if turned.is_empty() {
        return Some(x);
    }
    if let Op::Reverse { axes: inner } = sharing.op(x) {
        let once = |axis: &usize| inner.contains(axis) != turned.contains(axis);
        let once: Vec<usize> = (0..ty.rank()).filter(once).collect();
        let source = sharing.get(x).operands[0];
        return Some(sharing.reverse(source, once));
    }
    if let Some(scanned) = reverse_of_scan(sharing, &turned, x) {
        return Some(scanned);
    }
    if let Some((core, core_axes)) = sharing.as_broadcast(x) {
        let core_axes = core_axes.to_vec();
        let inner = (0..core_axes.len()).filter(|axis| turned.contains(&core_axes[*axis]));
        let core = sharing.reverse(core, inner.collect());
        return Some(sharing.broadcast(core, &ty.shape, &core_axes));
    }
    if let Op::Transpose { permutation } = sharing.op(x) {
        let permutation = permutation.clone();
        let mut inner: Vec<usize> = turned.iter().map(|axis| permutation[*axis]).collect();
        inner.sort_unstable();
        let source = sharing.get(x).operands[0];
        let core = sharing.reverse(source, inner);
        return Some(sharing.transpose(core, &permutation));
    }
    (turned.len() < axes.len()).then(|| sharing.reverse(x, turned))
}

/// A scan between two turns is a scan in the other direction, with what is left of the turns.
fn reverse_of_scan(sharing: &mut Sharing, turned: &[usize], x: NodeId) -> Option<NodeId> {
    let node = sharing.get(x).clone();
    let Op::Scan { combine, axis, reverse } = node.op else { return None };
    let Op::Reverse { axes: inner } = sharing.op(node.operands[0]) else { return None };
    let inner = inner.clone();
    let source = sharing.get(node.operands[0]).operands[0];
    let reverse = reverse != inner.contains(&axis);
    let scanned =
        sharing.node(Op::Scan { combine, axis, reverse }, &[source], node.types[0].clone());
    let once = |axis: &usize| inner.contains(axis) != turned.contains(axis);
    let once: Vec<usize> = (0..node.types[0].rank()).filter(once).collect();
    Some(if once.is_empty() { scanned } else { sharing.reverse(scanned, once) })
}

/// A scan of one element is that element; what is repeated along other axes is repeated afterwards;
/// the extremes of equal elements are those elements, and sums of zeros 0.
fn scan(
    sharing: &mut Sharing,
    (combine, axis, reverse): (Combine, usize, bool),
    x: NodeId,
    ty: &TensorType,
) -> Option<NodeId> {
    if is_unit(&ty.shape[axis]) {
        return Some(x);
    }
    let (core, axes) = sharing.as_broadcast(x)?;
    let axes = axes.to_vec();
    if !axes.contains(&axis) {
        let extreme = matches!(combine, Combine::Max | Combine::Min);
        let is_zero = |value: Scalar| value == Scalar::from_i64(value.element, 0);
        let zeros = combine == Combine::Add && sharing.splat_value(core).is_some_and(is_zero);
        return (extreme || zeros).then_some(x);
    }
    let inner = axes.iter().position(|candidate| *candidate == axis)?;
    let op = Op::Scan { combine, axis: inner, reverse };
    let core_ty = sharing.ty(core).clone();
    let scanned = sharing.node(op, &[core], core_ty);
    Some(sharing.broadcast(scanned, &ty.shape, &axes))
}

fn concat(
    sharing: &mut Sharing,
    axis: usize,
    operands: &[NodeId],
    ty: &TensorType,
) -> Option<NodeId> {
    if let [operand] = operands {
        return Some(*operand);
    }
    let mut flat = Vec::with_capacity(operands.len());
    for operand in operands {
        let node = sharing.get(*operand);
        if node.op == (Op::Concat { axis }) {
            flat.extend_from_slice(&node.operands);
        } else if !sharing.ty(*operand).shape[axis].is(0) {
            flat.push(*operand);
        }
    }
    let first = *flat.first().or(operands.first())?;
    let value = sharing.splat_value(first);
    if value.is_some() && flat.iter().all(|operand| sharing.splat_value(*operand) == value) {
        return value.map(|value| sharing.splat(value, &ty.shape));
    }
    let changed = flat != operands && !flat.is_empty();
    changed.then(|| sharing.node(Op::Concat { axis }, &flat, ty.clone()))
}

/// Of equal elements every choice is the same, if there is one to choose.
fn take(sharing: &mut Sharing, batch: usize, x: NodeId, ty: &TensorType) -> Option<NodeId> {
    let value = sharing.splat_value(x)?;
    let is_some = sharing.ty(x).shape[batch].as_constant().is_some_and(|extent| extent > 0);
    let is_zero = value == Scalar::from_i64(value.element, 0);
    (is_some || is_zero).then(|| sharing.splat(value, &ty.shape))
}

fn reduce(sharing: &mut Sharing, combine: Combine, axes: &[usize], x: NodeId) -> Option<NodeId> {
    if axes.is_empty() {
        return Some(x);
    }
    let shape = sharing.shape(x);
    if axes.iter().any(|axis| is_unit(&shape[*axis])) {
        return Some(reduce_beside_units(sharing, combine, axes, x));
    }
    if let Some((core, core_axes)) = sharing.as_broadcast(x) {
        let core_axes = core_axes.to_vec();
        return reduce_repeated(sharing, combine, axes, (core, &core_axes), &shape);
    }
    let node = sharing.get(x).clone();
    if let Op::Transpose { permutation } = &node.op {
        return reduce_transposed(sharing, combine, axes, permutation, node.operands[0]);
    }
    // The extreme of extremes, and sums and products that are exact in any order.
    let exact = matches!(combine, Combine::Max | Combine::Min) || !sharing.element(x).is_float();
    let Op::Reduce { combine: inner, axes: before } = &node.op else { return None };
    if *inner != combine || !exact {
        return None;
    }
    let rank = sharing.ty(node.operands[0]).rank();
    let left: Vec<usize> = (0..rank).filter(|axis| !before.contains(axis)).collect();
    let mut all: Vec<usize> = axes.iter().map(|axis| left[*axis]).collect();
    all.extend(before);
    all.sort_unstable();
    Some(sharing.reduce(combine, node.operands[0], &all))
}

/// A reduction of one element is that element.
fn reduce_beside_units(
    sharing: &mut Sharing,
    combine: Combine,
    axes: &[usize],
    x: NodeId,
) -> NodeId {
    let shape = sharing.shape(x);
    let dropped = |axis: &usize| axes.contains(axis) && is_unit(&shape[*axis]);
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !dropped(axis)).collect();
    let rest: Vec<Dim> = kept.iter().map(|axis| shape[*axis].clone()).collect();
    let x = sharing.reshape(x, &rest);
    let axes: Vec<usize> = (0..kept.len()).filter(|axis| axes.contains(&kept[*axis])).collect();
    sharing.reduce(combine, x, &axes)
}

/// What is repeated along axes that stay is repeated afterwards; the extreme of equal elements is one of them, and a sum of zeros 0.
fn reduce_repeated(
    sharing: &mut Sharing,
    combine: Combine,
    axes: &[usize],
    (core, core_axes): (NodeId, &[usize]),
    shape: &[Dim],
) -> Option<NodeId> {
    let extreme = matches!(combine, Combine::Max | Combine::Min);
    let is_zero = |value: Scalar| value == Scalar::from_i64(value.element, 0);
    let zeros = combine == Combine::Add && sharing.splat_value(core).is_some_and(is_zero);
    let vanishes = |axis: &usize| {
        let extent = shape[*axis].as_constant();
        let repeated = axes.contains(axis) && !core_axes.contains(axis);
        repeated && (zeros || extreme && extent.is_some_and(|extent| extent > 0))
    };
    let stays = |axis: &usize| core_axes.contains(axis) || axes.contains(axis) && !vanishes(axis);
    let inner: Vec<usize> = (0..shape.len()).filter(stays).collect();
    if inner.len() == shape.len() {
        return None;
    }
    let sizes: Vec<Dim> = inner.iter().map(|axis| shape[*axis].clone()).collect();
    let core = sharing.broadcast(core, &sizes, &positions(core_axes, &inner)?);
    let reduced = (0..inner.len()).filter(|axis| axes.contains(&inner[*axis]));
    let reduced = sharing.reduce(combine, core, &reduced.collect::<Vec<_>>());

    let result: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let left: Vec<usize> = inner.iter().copied().filter(|axis| !axes.contains(axis)).collect();
    let sizes: Vec<Dim> = result.iter().map(|axis| shape[*axis].clone()).collect();
    Some(sharing.broadcast(reduced, &sizes, &positions(&left, &result)?))
}

/// Reduces before the transpose, if the elements still come in the same order or the order has no meaning.
fn reduce_transposed(
    sharing: &mut Sharing,
    combine: Combine,
    axes: &[usize],
    permutation: &[usize],
    source: NodeId,
) -> Option<NodeId> {
    let mut reduced: Vec<usize> = axes.iter().map(|axis| permutation[*axis]).collect();
    let exact =
        matches!(combine, Combine::Max | Combine::Min) || !sharing.element(source).is_float();
    if !exact && !reduced.is_sorted() {
        return None;
    }
    reduced.sort_unstable();
    let node = sharing.reduce(combine, source, &reduced);
    let left: Vec<usize> = (0..permutation.len()).filter(|axis| !reduced.contains(axis)).collect();
    let kept = permutation.iter().copied().filter(|axis| !reduced.contains(axis));
    let order = positions(&kept.collect::<Vec<_>>(), &left)?;
    Some(sharing.transpose(node, &order))
}
