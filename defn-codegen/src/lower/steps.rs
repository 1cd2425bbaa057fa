//! The steps of a kernel: loops over its rows, inside them sweeps over columns.
//!
//! Steps that stand next to each other, run over the same columns and do not wait for each other share a sweep.

use super::emit::{Emitter, Placed};
use super::pull::{address, combine_of, folded_places, pull, shifted, target};
use crate::graph::{Dim, NodeId, Op};
use crate::kernels::{Step, column_axes, step_columns};
use crate::loops::{Address, Expr, Manner, RegisterId, Statement};

/// Writes the loops over the rows of the kernel, and its steps inside.
pub(super) fn steps(emitter: &mut Emitter<'_, '_>, steps: &[Step]) {
    if let [Step::Region { .. }, ..] = steps {
        for step in steps {
            region(emitter, step);
        }
        return;
    }
    let rows = emitter.kernel.rows.clone();
    let row: Vec<Address> = rows.iter().map(|extent| emitter.open(extent)).collect();
    let mut rest = steps;
    while !rest.is_empty() {
        let sweep = sweep_length(emitter, rest);
        write_sweep(emitter, &rest[..sweep], &row);
        rest = &rest[sweep..];
    }
    for _ in &rows {
        emitter.close(Manner::Parallel);
    }
}

/// How many of the next steps share a sweep.
fn sweep_length(emitter: &Emitter<'_, '_>, steps: &[Step]) -> usize {
    let columns = step_columns(emitter.graph(), &steps[0]);
    let mut reduced: Vec<NodeId> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let node = &step.node();
        if step_columns(emitter.graph(), step) != columns || depends(emitter, *node, &reduced) {
            return position;
        }
        if matches!(step, Step::Reduce(_)) {
            reduced.push(*node);
        }
    }
    steps.len()
}

/// Whether a value is computed from one of the reductions.
fn depends(emitter: &Emitter<'_, '_>, node: NodeId, reduced: &[NodeId]) -> bool {
    let graph = emitter.graph();
    let Some(first) = reduced.iter().min() else { return false };
    let mut open = graph.operands(node).to_vec();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(node) = open.pop() {
        if reduced.contains(&node) {
            return true;
        }
        if node > *first && seen.insert(node) {
            open.extend(graph.operands(node));
        }
    }
    false
}

fn write_sweep(emitter: &mut Emitter<'_, '_>, steps: &[Step], row: &[Address]) {
    let columns = step_columns(emitter.graph(), &steps[0]);
    let registers: Vec<Option<RegisterId>> =
        steps.iter().map(|step| declare(emitter, step)).collect();
    let kept: Vec<_> = steps.iter().map(|step| scratch(emitter, step)).collect();
    let column: Vec<Address> = columns.iter().map(|extent| emitter.open(extent)).collect();
    for ((step, register), kept) in steps.iter().zip(&registers).zip(&kept) {
        match (step, register, kept) {
            (Step::Reduce(node), Some(register), _) => {
                fold(emitter, *node, *register, row, &column);
            }
            (Step::Keep { node, rows }, _, Some(buffer)) => {
                let place = place_of(emitter, *node, rows, (row, &column));
                let expr = pull(emitter, *node, &place);
                let address = address(emitter, *buffer, &column);
                emitter.emit(Statement::Store { buffer: *buffer, address, expr });
            }
            (Step::Store { node, rows }, _, _) => {
                let place = place_of(emitter, *node, rows, (row, &column));
                store(emitter, *node, &place);
            }
            _ => crate::bug!("lower", "{step:?} has no place in a sweep"),
        }
    }
    for _ in &columns {
        emitter.close(Manner::Parallel);
    }
    for ((step, register), kept) in steps.iter().zip(registers).zip(kept) {
        finish(emitter, step, (register, kept), row);
    }
}

/// The place of a node whose axes `rows` are those of the row.
fn place_of(
    emitter: &Emitter<'_, '_>,
    node: NodeId,
    rows: &[usize],
    (row, column): (&[Address], &[Address]),
) -> Vec<Address> {
    let mut column = column.iter();
    let rank = emitter.graph().ty(node).rank();
    let position = |axis: usize| match rows.iter().position(|candidate| *candidate == axis) {
        Some(position) => row.get(position),
        None => column.next(),
    };
    (0..rank).filter_map(position).cloned().collect()
}

fn declare(emitter: &mut Emitter<'_, '_>, step: &Step) -> Option<RegisterId> {
    let Step::Reduce(node) = step else { return None };
    let element = emitter.graph().element(*node);
    let identity = combine_of(emitter.graph(), *node).identity(element);
    Some(emitter.declare(element, Expr::Constant(identity)))
}

fn scratch(emitter: &mut Emitter<'_, '_>, step: &Step) -> Option<crate::loops::BufferId> {
    let Step::Keep { node, rows: _ } = step else { return None };
    let shape = step_columns(emitter.graph(), step);
    let rows = &emitter.kernel.rows;
    Some(emitter.lowering.scratch(*node, shape, rows))
}

/// One element more in a reduction.
fn fold(
    emitter: &mut Emitter<'_, '_>,
    node: NodeId,
    register: RegisterId,
    row: &[Address],
    column: &[Address],
) {
    let graph = emitter.graph();
    let operands = graph.operands(node);
    let so_far = Box::new(Expr::Register(register));
    let combine = combine_of(graph, node);
    let places = folded_places(graph, node, (row, column));
    let mut values = places
        .iter()
        .zip(operands)
        .map(|(place, operand)| Box::new(pull(emitter, *operand, place)));
    let expr = match (values.next(), values.next()) {
        (Some(left), Some(right)) => Expr::MultiplyAdd(left, right, so_far),
        (Some(value), None) => Expr::Binary(combine.binary(), so_far, value),
        (None, _) => crate::bug!("lower", "{node:?} reads nothing"),
    };
    emitter.emit(Statement::Set { register, expr });
}

/// What stands in a register or in scratch is known from here on.
fn finish(
    emitter: &mut Emitter<'_, '_>,
    step: &Step,
    (register, kept): (Option<RegisterId>, Option<crate::loops::BufferId>),
    row: &[Address],
) {
    match (step, register, kept) {
        (Step::Reduce(node), Some(register), _) => {
            let depth = emitter.depth();
            let element = emitter.graph().element(*node);
            let value = emitter.name(depth, element, Expr::Register(register));
            emitter.placed.insert(*node, Placed::Row(value));
            if emitter.lowering.kernels.stored[*node] {
                store(emitter, *node, row);
            }
        }
        (Step::Keep { node, rows }, _, Some(buffer)) => {
            let axes = column_axes(emitter.graph(), *node, rows);
            emitter.placed.insert(*node, Placed::Kept(buffer, axes));
        }
        _ => {}
    }
}

fn store(emitter: &mut Emitter<'_, '_>, node: NodeId, place: &[Address]) {
    emitter.writing = Some(node);
    let expr = pull(emitter, node, place);
    emitter.writing = None;
    let (buffer, address) = target(emitter, node, place);
    emitter.emit(Statement::Store { buffer, address, expr });
}

/// One operand of `concat` or `pad`, into its region of the result.
fn region(emitter: &mut Emitter<'_, '_>, step: &Step) {
    let Step::Region { node, operand } = step else {
        crate::bug!("lower", "{step:?} is no region")
    };
    let graph = emitter.graph();
    let operands = graph.operands(*node);
    let source = operands[*operand];
    let whole = graph.shape(*node);
    let mut starts = vec![Dim::default(); whole.len()];
    let mut filled = false;
    if let Op::Concat { axis } = graph.op(*node) {
        for before in &operands[..*operand] {
            starts[*axis] = starts[*axis].clone() + graph.shape(*before)[*axis].clone();
        }
    }
    if let Op::Pad { low, high: _ } = graph.op(*node) {
        filled = *operand == 1;
        if !filled {
            starts.clone_from(low);
        }
    }
    let extents = if filled { whole.to_vec() } else { graph.shape(source).to_vec() };
    let place: Vec<Address> = extents.iter().map(|extent| emitter.open(extent)).collect();
    let there: Vec<Address> =
        place.iter().zip(&starts).map(|(position, start)| shifted(position, start)).collect();
    let expr = pull(emitter, source, if filled { &[] } else { &place });
    let (buffer, address) = target(emitter, *node, &there);
    emitter.emit(Statement::Store { buffer, address, expr });
    for _ in &extents {
        emitter.close(Manner::Parallel);
    }
}
