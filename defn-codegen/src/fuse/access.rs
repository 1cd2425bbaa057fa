//! Which values a root reads, and at which place relative to its own row and column.
//!
//! A root is evaluated at one place of its kernel's space: a row (the leading axes) and, inside the row, a column.
//! Following the operands down to the next boundary (a value that is not computed on the way) tells at which place of
//! that value it is read.
//!
//! ```text
//! %5 = broadcast %4 axes=[0]      read at (row 0, column 0)
//!   reads %4                      at (row 0)
//! ```

use std::collections::BTreeSet;

use crate::arena::SideTable;
use crate::graph::{Dim, Graph, Node, NodeId, Op};
use crate::kernels::column_axes;

/// Where an axis stands relative to the row and the column of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The same position as axis `k` of the row.
    Row(usize),
    /// The same position as axis `k` of the column.
    Column(usize),
    /// Any other position.
    Other,
}

/// One read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Access {
    /// What is read.
    pub(super) node: NodeId,
    /// Where.
    pub(super) at: Vec<Place>,
}

/// The reads of a root, and every value that is computed on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// The boundaries.
    pub(super) boundaries: BTreeSet<Access>,
    /// The values in between, with the place at which they are computed.
    pub(super) between: BTreeSet<Access>,
}

/// Which values are stored, and which folds are short.
pub(super) type Tables<'t> = (&'t SideTable<Node, bool>, &'t SideTable<Node, bool>);

/// Whether a value is never computed where it is used.
pub(super) fn is_boundary(graph: &Graph, (stored, short): Tables<'_>, node: NodeId) -> bool {
    stored[node]
        || match graph.op(node) {
            Op::Reduce { .. } | Op::Contract { .. } => !short[node],
            Op::Parameter(_)
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Argsort { .. }
            | Op::Concat { .. }
            | Op::Pad { .. }
            | Op::OverlapAdd(_)
            | Op::Call { .. }
            | Op::Repeat(_)
            | Op::Branch(_)
            | Op::Inspect(_)
            | Op::Project(_) => true,
            Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert
            | Op::Implicit(_)
            | Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Reverse { .. }
            | Op::Window(_)
            | Op::Take { .. } => false,
        }
}

/// All reads of a root; `rows` says which of its axes is each axis of the row (a root that folds has no others).
pub(super) fn reads(graph: &Graph, tables: Tables<'_>, root: NodeId, rows: &[usize]) -> Reads {
    let mut reads = Reads::default();
    let (_, short) = tables;
    let mut open = if short[root] {
        operand_reads(graph, &Access { node: root, at: layout(graph, root, rows) })
    } else {
        first_reads(graph, root, rows)
    };
    while let Some(access) = open.pop() {
        if is_boundary(graph, tables, access.node) {
            reads.boundaries.insert(access);
        } else if !reads.between.contains(&access) {
            open.extend(operand_reads(graph, &access));
            reads.between.insert(access);
        }
    }
    reads
}

/// The place of each axis of a node, some of whose axes are those of the row.
pub(super) fn layout(graph: &Graph, node: NodeId, rows: &[usize]) -> Vec<Place> {
    let columns = column_axes(graph, node, rows);
    let place = |axis: usize| match rows.iter().position(|row| *row == axis) {
        Some(row) => Place::Row(row),
        None => Place::Column(columns.iter().filter(|column| **column < axis).count()),
    };
    (0..graph.ty(node).rank()).map(place).collect()
}

/// What the root itself reads.
fn first_reads(graph: &Graph, root: NodeId, rows: &[usize]) -> Vec<Access> {
    let operands = graph.operands(root);
    let op = graph.op(root);
    if op.assembles() {
        let anywhere = |operand: &NodeId| Access {
            node: *operand,
            at: vec![Place::Other; graph.ty(*operand).rank()],
        };
        return operands.iter().map(anywhere).collect();
    }
    if let Op::Reduce { combine: _, axes } = op {
        let place = |axis: usize| match axes.iter().position(|reduced| *reduced == axis) {
            Some(column) => Place::Column(column),
            None => Place::Row(axis - axes.iter().filter(|reduced| **reduced < axis).count()),
        };
        return vec![Access {
            node: operands[0],
            at: (0..graph.ty(operands[0]).rank()).map(place).collect(),
        }];
    }
    if let Op::Contract { batch, contracted } = op {
        let left_free = graph.ty(operands[0]).rank() - contracted - batch;
        let right_free = graph.ty(operands[1]).rank() - contracted - batch;
        let columns = || (0..*contracted).map(Place::Column);
        let left = (0..batch + left_free).map(Place::Row).chain(columns()).collect();
        let free = batch + left_free..batch + left_free + right_free;
        let right = (0..*batch).chain(free).map(Place::Row).chain(columns()).collect();
        return vec![
            Access { node: operands[0], at: left },
            Access { node: operands[1], at: right },
        ];
    }
    let at = layout(graph, root, rows);
    operand_reads(graph, &Access { node: root, at })
}

/// What a value that is computed at a place reads.
fn operand_reads(graph: &Graph, access: &Access) -> Vec<Access> {
    let operands = graph.operands(access.node);
    let at = &access.at;
    let one = |at: Vec<Place>| vec![Access { node: operands[0], at }];
    match graph.op(access.node) {
        Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select | Op::Convert => {
            operands.iter().map(|operand| Access { node: *operand, at: at.clone() }).collect()
        }
        Op::Implicit(_) => one(at.clone()),
        Op::Broadcast { axes } => one(axes.iter().map(|axis| at[*axis]).collect()),
        Op::Transpose { permutation } => {
            let mut places = at.clone();
            for (position, axis) in permutation.iter().enumerate() {
                places[*axis] = at[position];
            }
            one(places)
        }
        Op::Reshape => one(through_reshape(graph.shape(operands[0]), graph.shape(access.node), at)),
        Op::Slice { starts } => {
            let whole = |axis: usize| {
                starts[axis].is(0)
                    && graph.shape(operands[0])[axis] == graph.shape(access.node)[axis]
            };
            one(kept(at, whole))
        }
        Op::Reverse { axes } => one(kept(at, |axis| !axes.contains(&axis))),
        Op::Window(sliding) => {
            let shape = graph.shape(operands[0]);
            let whole =
                |axis: usize| sliding.keeps(axis) && shape[axis] == graph.shape(access.node)[axis];
            one(kept(&at[..shape.len()], whole))
        }
        Op::Take { batch } => {
            let index_rank = graph.ty(operands[1]).rank();
            let rest = at[index_rank..].iter().copied();
            let taken = at[..*batch].iter().copied().chain([Place::Other]).chain(rest).collect();
            vec![
                Access { node: operands[0], at: taken },
                Access { node: operands[1], at: at[..index_rank].to_vec() },
            ]
        }
        Op::Reduce { .. } | Op::Contract { .. } => short_fold_reads(graph, access),
        Op::Parameter(_)
        | Op::Constant(_)
        | Op::Extent(_)
        | Op::Iota { .. }
        | Op::Pad { .. }
        | Op::OverlapAdd(_)
        | Op::Concat { .. }
        | Op::AddAt { .. }
        | Op::Scan { .. }
        | Op::Sort { .. }
        | Op::Argsort { .. }
        | Op::Call { .. }
        | Op::Repeat(_)
        | Op::Branch(_)
        | Op::Inspect(_)
        | Op::Project(_) => Vec::new(),
    }
}

/// A short fold reads several columns of its own.
fn short_fold_reads(graph: &Graph, access: &Access) -> Vec<Access> {
    let operands = graph.operands(access.node);
    let rank = graph.ty(operands[0]).rank();
    if let Op::Contract { batch, contracted } = graph.op(access.node) {
        let (left, right) = access.at.split_at(rank - contracted);
        let summed = || (0..*contracted).map(|_| Place::Other);
        let first = left.iter().copied().chain(summed()).collect();
        let second = left[..*batch].iter().chain(right).copied().chain(summed()).collect();
        return vec![
            Access { node: operands[0], at: first },
            Access { node: operands[1], at: second },
        ];
    }
    let summed = |axis: &usize| matches!(graph.op(access.node), Op::Reduce { combine: _, axes } if axes.contains(axis));
    let mut kept = access.at.iter().copied();
    let place = |axis: usize| if summed(&axis) { None } else { kept.next() };
    let at = (0..rank).map(place).map(|place| place.unwrap_or(Place::Other)).collect();
    vec![Access { node: operands[0], at }]
}

/// The places of the axes that are read as they are; of the others another one.
fn kept(at: &[Place], whole: impl Fn(usize) -> bool) -> Vec<Place> {
    (0..at.len()).map(|axis| if whole(axis) { at[axis] } else { Place::Other }).collect()
}

/// A reshape that only adds or removes axes of extent 1 keeps the places of the others.
fn through_reshape(operand: &[Dim], result: &[Dim], at: &[Place]) -> Vec<Place> {
    let long = |shape: &[Dim]| -> Vec<usize> {
        (0..shape.len()).filter(|axis| !shape[*axis].is(1)).collect()
    };
    let (from, to) = (long(operand), long(result));
    let same = from.len() == to.len()
        && from.iter().zip(&to).all(|(from, to)| operand[*from] == result[*to]);
    let mut places = vec![Place::Other; operand.len()];
    if same {
        for (from, to) in from.into_iter().zip(to) {
            places[from] = at[to];
        }
    }
    places
}
