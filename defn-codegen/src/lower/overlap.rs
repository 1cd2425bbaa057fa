//! `overlap_add`: zeros, then everything that was seen through windows added to the place where it was seen.
//!
//! ```text
//! for b in 0..batch parallel {
//!   for i in 0..n parallel { store r[n*b + i] = 0.0 }
//!   for t in 0..taps { for o in 0..windows parallel { store r[n*b + stride*o + t] = add(load r[..], load y[..]) } }
//! }
//! ```
//!
//! For one tap all windows have a place of their own, so that additions to one element happen in the order of the taps and
//! do not depend on how the loops are scheduled.

use super::emit::Emitter;
use super::pull::{address, binary, load, pull, seen};
use crate::graph::{Binary, NodeId, Scalar, Sliding};
use crate::loops::{Address, Expr, Manner, Statement};

/// Writes the zeros and the additions.
pub(super) fn overlap(emitter: &mut Emitter<'_, '_>, node: NodeId, sliding: &Sliding) {
    let Some(buffer) = emitter.lowering.homes[node] else {
        crate::bug!("lower", "{node:?} has no buffer")
    };
    let graph = emitter.graph();
    let operand = graph.operands(node)[0];
    let (whole, shape) = (graph.shape(node), graph.shape(operand));
    if whole.iter().any(|extent| extent.is(0)) {
        return;
    }
    let (windows, taps) = shape.split_at(whole.len());
    // What the windows do not move along is walked once, outside: zeros and sums of one part stay near.
    let is_outside = |axis: &usize| sliding.keeps(*axis) && whole[*axis] == windows[*axis];
    let outside = (0..whole.len()).take_while(is_outside).count();
    let rows: Vec<Address> = whole[..outside].iter().map(|extent| emitter.open(extent)).collect();

    let inner: Vec<Address> = whole[outside..].iter().map(|extent| emitter.open(extent)).collect();
    let target = address(emitter, buffer, &[rows.as_slice(), &inner].concat());
    let expr = Expr::Constant(Scalar::from_i64(graph.element(node), 0));
    emitter.emit(Statement::Store { buffer, address: target, expr });
    for _ in &inner {
        emitter.close(Manner::Parallel);
    }

    let tap: Vec<Address> = taps.iter().map(|extent| emitter.open(extent)).collect();
    let inner: Vec<Address> =
        windows[outside..].iter().map(|extent| emitter.open(extent)).collect();
    let source = [rows.as_slice(), &inner, &tap].concat();
    let added = pull(emitter, operand, &source);
    let target = seen(sliding, &source);
    let so_far = load(emitter, buffer, &target);
    let target = address(emitter, buffer, &target);
    let expr = binary(Binary::Add, so_far, added);
    emitter.emit(Statement::Store { buffer, address: target, expr });
    for _ in &inner {
        emitter.close(Manner::Parallel);
    }
    for _ in &tap {
        emitter.close(Manner::Serial);
    }
    for _ in &rows {
        emitter.close(Manner::Parallel);
    }
}
