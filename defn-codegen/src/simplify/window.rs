//! Laws of windows, and of what can be done before them.
//!
//! In:  a candidate.   Out: a simpler node with the same elements, if a law applies.
//!
//! ```text
//! before                                                     after
//! %0: f32[n, 3] = window x strides=[1] axes=[0] ..           %0: f32[n, 3, 2] = window x strides=[2] axes=[0, 0] ..
//! %1: f32[n, 3, 2] = window %0 strides=[2, 1] axes=[0] ..
//! ```
//!
//! Afterwards: windows look at no windows, at nothing that is only repeated, and have no tap of one element.
//! Never here: windows of products, which are in [`overlap`](super::overlap).

use super::movement::is_unit;
use super::share::Sharing;
use crate::graph::{Dim, NodeId, Op, Scalar, Sliding, TensorType};

/// What is seen through windows.
pub(super) fn seen(
    sharing: &mut Sharing,
    sliding: &Sliding,
    x: NodeId,
    ty: &TensorType,
) -> Option<NodeId> {
    let shape = sharing.shape(x);
    let rank = shape.len();
    if shape == ty.shape && (0..rank).all(|axis| sliding.keeps(axis)) {
        return Some(x);
    }
    // A window of one element along an axis is that element.
    let wide = wide_taps(&ty.shape[rank..]);
    if wide.len() < sliding.axes.len() {
        let seen = kept_taps(&ty.shape, rank, &wide);
        let narrower = sharing.window(x, with_taps(sliding, &wide), &seen);
        return Some(sharing.reshape(narrower, &ty.shape));
    }
    if (0..rank).all(|axis| sliding.keeps(axis)) {
        return Some(sharing.slice(x, vec![Dim::from(0); rank], &ty.shape));
    }
    let node = sharing.get(x).clone();
    if let Op::Window(inner) = &node.op {
        return Some(sharing.window(node.operands[0], sliding.over(inner), &ty.shape));
    }
    let Op::Broadcast { axes: core_axes } = &node.op else { return None };
    // What is repeated along an axis looks the same through every window along it.
    let own = |axis: usize| core_axes.iter().position(|core| *core == axis);
    let taps: Vec<usize> =
        (0..sliding.axes.len()).filter(|tap| own(sliding.axes[*tap]).is_some()).collect();
    let inner = Sliding {
        strides: core_axes.iter().map(|axis| sliding.strides[*axis].clone()).collect(),
        axes: taps.iter().filter_map(|tap| own(sliding.axes[*tap])).collect(),
        dilations: taps.iter().map(|tap| sliding.dilations[*tap].clone()).collect(),
    };
    let axes: Vec<usize> =
        core_axes.iter().copied().chain(taps.iter().map(|tap| rank + tap)).collect();
    let seen: Vec<Dim> = axes.iter().map(|axis| ty.shape[*axis].clone()).collect();
    let core = sharing.window(node.operands[0], inner, &seen);
    Some(sharing.broadcast(core, &ty.shape, &axes))
}

/// The taps that are longer than one.
fn wide_taps(taps: &[Dim]) -> Vec<usize> {
    (0..taps.len()).filter(|tap| !is_unit(&taps[*tap])).collect()
}

/// What is seen, with only some of the taps.
fn kept_taps(seen: &[Dim], rank: usize, taps: &[usize]) -> Vec<Dim> {
    let windows = seen[..rank].iter().cloned();
    windows.chain(taps.iter().map(|tap| seen[rank + tap].clone())).collect()
}

fn with_taps(sliding: &Sliding, taps: &[usize]) -> Sliding {
    Sliding {
        strides: sliding.strides.clone(),
        axes: taps.iter().map(|tap| sliding.axes[*tap]).collect(),
        dilations: taps.iter().map(|tap| sliding.dilations[*tap].clone()).collect(),
    }
}

/// What is added where windows saw it.
pub(super) fn overlapping(
    sharing: &mut Sharing,
    sliding: &Sliding,
    x: NodeId,
    ty: &TensorType,
) -> Option<NodeId> {
    let (rank, seen) = (ty.rank(), sharing.shape(x));
    let is_zero = |value: Scalar| value == Scalar::from_i64(value.element, 0);
    if let Some(zero) = sharing.splat_value(x).filter(|value| is_zero(*value)) {
        return Some(sharing.splat(zero, &ty.shape));
    }
    let wide = wide_taps(&seen[rank..]);
    if wide.len() < sliding.axes.len() {
        let x = sharing.reshape(x, &kept_taps(&seen, rank, &wide));
        return Some(sharing.overlap_add(x, with_taps(sliding, &wide), &ty.shape));
    }
    // Without overlap only the zeros behind are left.
    (0..rank).all(|axis| sliding.keeps(axis)).then(|| {
        let sizes = ty.shape.iter().zip(&seen);
        let behind = sizes.map(|(whole, seen)| whole.clone() - seen.clone()).collect();
        sharing.pad_zeros(x, vec![Dim::from(0); rank], behind)
    })
}

/// What is cut of windows is cut of what they look at.
pub(super) fn sliced(
    sharing: &mut Sharing,
    starts: &[Dim],
    sliding: &Sliding,
    [x, windows]: [NodeId; 2],
    ty: &TensorType,
) -> Option<NodeId> {
    let (shape, seen) = (sharing.shape(x), sharing.shape(windows));
    let rank = shape.len();
    // The first element that is seen along an axis, and how many are looked at from there.
    let part = |axis: usize| {
        let mut taps = sliding.taps(axis).map(|tap| rank + tap);
        let cut: Dim = seen[axis].clone() - ty.shape[axis].clone();
        let same_taps = taps.all(|tap| seen[tap] == ty.shape[tap]);
        if same_taps && (cut.is(0) || sliding.strides[axis].is(1)) {
            return Some((starts[axis].clone(), shape[axis].clone() - cut));
        }
        // Where nothing is left, the first could be behind the end.
        let taps = sliding.taps(axis).map(|tap| rank + tap);
        if ![axis].into_iter().chain(taps).all(|place| ty.shape[place].is_surely_positive()) {
            return None;
        }
        let first = starts[axis].clone() * sliding.strides[axis].clone();
        let first = sliding.taps(axis).fold(first, |first, tap| {
            first + starts[rank + tap].clone() * sliding.dilations[tap].clone()
        });
        Some((first, sliding.reach(axis, &ty.shape) + Dim::from(1)))
    };
    let parts: Option<Vec<(Dim, Dim)>> = (0..rank).map(part).collect();
    let (first, sizes): (Vec<Dim>, Vec<Dim>) = parts?.into_iter().unzip();
    let part = sharing.slice(x, first, &sizes);
    Some(sharing.window(part, sliding.clone(), &ty.shape))
}

/// Along axes that windows do not move along, what they look at is padded: what is padded is written out.
pub(super) fn padded(
    sharing: &mut Sharing,
    [low, high]: [&[Dim]; 2],
    sliding: &Sliding,
    [x, value]: [NodeId; 2],
    ty: &TensorType,
) -> Option<NodeId> {
    let mut shape = sharing.shape(x);
    let rank = shape.len();
    let stays = |axis: &usize| low[*axis].is(0) && high[*axis].is(0);
    let is_below = |axis: usize| {
        let (low, high) = (low[axis].clone(), high[axis].clone());
        sliding.keeps(axis) && shape[axis].clone() + low + high == ty.shape[axis]
    };
    if !(0..rank).all(|axis| stays(&axis) || is_below(axis))
        || !(rank..low.len()).all(|axis| stays(&axis))
    {
        return None;
    }
    for axis in (0..rank).filter(|axis| !stays(axis)) {
        shape[axis] = ty.shape[axis].clone();
    }
    let op = Op::Pad { low: low[..rank].to_vec(), high: high[..rank].to_vec() };
    let padded = sharing.node(op, &[x, value], TensorType::new(ty.element, shape));
    Some(sharing.window(padded, sliding.clone(), &ty.shape))
}
