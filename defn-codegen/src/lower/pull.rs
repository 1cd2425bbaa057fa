//! The value of a node at a place, as an expression.
//!
//! A place has one position for each axis of the node. Movements change the place and cost nothing;
//! elementwise nodes become expressions; stored nodes are loaded.

use super::control::{Given, Row};
use super::emit::{Emitter, Placed};
use crate::graph::{Binary, Combine, Comparison, Dim, Element, Graph, NodeId, Op, Scalar, Sliding};
use crate::kernels::columns;
use crate::kernels::reshape::blocks;
use crate::kernels::uncertain_table;
use crate::loops::{Address, BufferId, Expr};

/// The value of `node` at `place`, named in the outermost block that knows the place.
pub(super) fn pull(emitter: &mut Emitter<'_, '_>, node: NodeId, place: &[Address]) -> Expr {
    let depth = emitter.depth_of(place);
    if let Some(known) = emitter.known(depth, node, place) {
        return known;
    }
    let expr = compute(emitter, node, place);
    let simple = matches!(expr, Expr::Constant(_) | Expr::Value(_) | Expr::Position { .. });
    let element = emitter.graph().element(node);
    let named = if simple { expr } else { emitter.name(depth, element, expr) };
    emitter.remember(depth, node, place, named.clone());
    named
}

/// The value where it stands already: in a register, in scratch, in a buffer.
fn found(emitter: &Emitter<'_, '_>, node: NodeId, place: &[Address]) -> Option<Expr> {
    match emitter.placed.get(&node) {
        Some(Placed::Row(expr)) => return Some(expr.clone()),
        Some(Placed::Kept(buffer, axes)) => {
            let columns: Vec<Address> = axes.iter().map(|axis| place[*axis].clone()).collect();
            return Some(load(emitter, *buffer, &columns));
        }
        None => {}
    }
    if emitter.is_being_written(node) {
        return None;
    }
    if let Some(buffer) = emitter.lowering.homes[node] {
        return Some(load(emitter, buffer, place));
    }
    Some(match emitter.lowering.elsewhere(node)? {
        Given::Position(address) => position(address),
        Given::At(row) => {
            let address = in_row(row, emitter.graph().shape(node), place);
            Expr::Load(row.buffer, Box::new(address))
        }
    })
}

fn compute(emitter: &mut Emitter<'_, '_>, node: NodeId, place: &[Address]) -> Expr {
    if let Some(there) = found(emitter, node, place) {
        return there;
    }
    let graph = emitter.graph();
    let operands = graph.operands(node);
    match graph.op(node) {
        Op::Constant(scalar) => Expr::Constant(*scalar),
        Op::Extent(dim) => Expr::Position { constant: dim.clone(), terms: Vec::new() },
        Op::Iota { axis } => position(&place[*axis]),
        Op::Unary(unary) => Expr::Unary(*unary, Box::new(pull(emitter, operands[0], place))),
        Op::Binary(binary) => {
            let (left, right) = pull_pair(emitter, operands, place);
            Expr::Binary(*binary, left, right)
        }
        Op::Compare(comparison) => {
            let (left, right) = pull_pair(emitter, operands, place);
            Expr::Compare(*comparison, left, right)
        }
        Op::Select => {
            let condition = Box::new(pull(emitter, operands[0], place));
            let (then, otherwise) = pull_pair(emitter, &operands[1..], place);
            Expr::Select(condition, then, otherwise)
        }
        Op::Convert => {
            let operand = pull(emitter, operands[0], place);
            match graph.element(operands[0]) == graph.element(node) {
                true => operand,
                false => Expr::Convert(graph.element(node), Box::new(operand)),
            }
        }
        Op::Implicit(_) => pull(emitter, operands[0], place),
        Op::Take { batch } => take(emitter, node, *batch, place),
        Op::Reduce { .. } | Op::Contract { .. } => fold(emitter, node, place),
        Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Reverse { .. }
        | Op::Window(_) => moved(emitter, node, place),
        Op::Parameter(_)
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
        | Op::Project(_) => crate::bug!("lower", "{node:?} is neither stored nor in a register"),
    }
}

/// A fold that has no step of its own: element by element.
fn fold(emitter: &mut Emitter<'_, '_>, node: NodeId, place: &[Address]) -> Expr {
    let graph = emitter.graph();
    let operands = graph.operands(node);
    let extents: Option<Vec<i64>> = columns(graph, node).iter().map(Dim::as_constant).collect();
    let Some(extents) = extents else {
        crate::bug!("lower", "{node:?} is no short fold, and has no step")
    };
    let element = graph.element(node);
    let combine = combine_of(graph, node);
    let mut so_far = Expr::Constant(combine.identity(element));
    for flat in 0..extents.iter().product::<i64>() {
        let mut rest = flat;
        let mut column: Vec<Address> = extents
            .iter()
            .rev()
            .map(|extent| {
                let position = rest % extent;
                rest /= extent;
                Address { constant: Dim::from(position), ..Address::default() }
            })
            .collect();
        column.reverse();
        let there = folded_places(graph, node, (place, &column));
        so_far = match there.as_slice() {
            [left, right] => {
                let left = Box::new(pull(emitter, operands[0], left));
                let right = Box::new(pull(emitter, operands[1], right));
                Expr::MultiplyAdd(left, right, Box::new(so_far))
            }
            [there, ..] => {
                let value = pull(emitter, operands[0], there);
                binary(combine.binary(), so_far, value)
            }
            [] => so_far,
        };
    }
    so_far
}

/// Where a fold at a place reads its operands, at one of its columns.
pub(super) fn folded_places(
    graph: &Graph,
    node: NodeId,
    (row, column): (&[Address], &[Address]),
) -> Vec<Vec<Address>> {
    let rank = graph.ty(graph.operands(node)[0]).rank();
    let places = |places: &mut dyn Iterator<Item = &Address>| places.cloned().collect();
    if let Op::Contract { batch, contracted: _ } = graph.op(node) {
        let left = rank - column.len();
        let mut first = row[..left].iter().chain(column);
        let mut second = row[..*batch].iter().chain(&row[left..]).chain(column);
        return vec![places(&mut first), places(&mut second)];
    }
    let Op::Reduce { combine: _, axes } = graph.op(node) else {
        crate::bug!("lower", "{node:?} does not reduce")
    };
    let (mut row, mut column) = (row.iter(), column.iter());
    let mut there =
        (0..rank).filter_map(|axis| if axes.contains(&axis) { column.next() } else { row.next() });
    vec![places(&mut there)]
}

/// What a fold combines its elements with.
pub(super) fn combine_of(graph: &Graph, node: NodeId) -> Combine {
    if let Op::Reduce { combine, axes: _ } = graph.op(node) { *combine } else { Combine::Add }
}

fn pull_pair(
    emitter: &mut Emitter<'_, '_>,
    operands: &[NodeId],
    place: &[Address],
) -> (Box<Expr>, Box<Expr>) {
    let left = pull(emitter, operands[0], place);
    let right = pull(emitter, operands[1], place);
    (Box::new(left), Box::new(right))
}

/// A movement: the operand at another place.
fn moved(emitter: &mut Emitter<'_, '_>, node: NodeId, place: &[Address]) -> Expr {
    let graph = emitter.graph();
    let operand = graph.operands(node)[0];
    let shape = graph.shape(operand);
    let op = graph.op(node);
    let there: Vec<Address> = if let Op::Broadcast { axes } = op {
        axes.iter().map(|axis| place[*axis].clone()).collect()
    } else if let Op::Transpose { permutation } = op {
        let mut there = place.to_vec();
        for (position, axis) in permutation.iter().enumerate() {
            there[*axis] = place[position].clone();
        }
        there
    } else if let Op::Slice { starts } = op {
        place.iter().zip(starts).map(|(position, start)| shifted(position, start)).collect()
    } else if let Op::Reverse { axes } = op {
        let mirrored = |axis: usize| mirror(&place[axis], &shape[axis]);
        (0..place.len())
            .map(|axis| if axes.contains(&axis) { mirrored(axis) } else { place[axis].clone() })
            .collect()
    } else if let Op::Window(sliding) = op {
        seen(sliding, place)
    } else {
        match unmerged(shape, graph.shape(node), place) {
            Some(there) => there,
            None => return reshaped(emitter, operand, graph.shape(node), place),
        }
    };
    pull(emitter, operand, &there)
}

/// `position + start`
pub(super) fn shifted(position: &Address, start: &Dim) -> Address {
    let mut shifted = position.clone();
    shifted.constant = shifted.constant + start.clone();
    shifted
}

/// `extent − 1 − position`
pub(super) fn mirror(position: &Address, extent: &Dim) -> Address {
    let mut mirrored = Address { constant: extent.clone() - Dim::from(1), ..Address::default() };
    mirrored.add_scaled(position, &Dim::from(-1));
    mirrored
}

/// The place in the tensor over which windows slide: `strides·o + Σ dilations·t`.
pub(super) fn seen(sliding: &Sliding, place: &[Address]) -> Vec<Address> {
    let (windows, taps) = place.split_at(sliding.strides.len());
    let along = |axis: usize| {
        let mut there = Address::default();
        there.add_scaled(&windows[axis], &sliding.strides[axis]);
        for tap in sliding.taps(axis) {
            there.add_scaled(&taps[tap], &sliding.dilations[tap]);
        }
        there
    };
    (0..windows.len()).map(along).collect()
}

/// The place in the operand of a reshape that merges no axes.
fn unmerged(operand: &[Dim], result: &[Dim], place: &[Address]) -> Option<Vec<Address>> {
    let blocks = blocks(operand, result)?;
    let mut there = vec![Address::default(); operand.len()];
    for block in blocks {
        match block.operand.as_slice() {
            [] => {}
            [axis] => there[*axis] = flat(result, place, &block.result),
            _ => return None,
        }
    }
    Some(there)
}

/// The row-major position over some axes.
fn flat(shape: &[Dim], place: &[Address], axes: &[usize]) -> Address {
    let mut address = Address::default();
    let mut stride = Dim::from(1);
    for axis in axes.iter().rev() {
        address.add_scaled(&place[*axis], &stride);
        stride = stride * shape[*axis].clone();
    }
    address
}

/// A buffer has no gaps, so its elements in row-major order are read at the flat position of any shape.
fn reshaped(
    emitter: &mut Emitter<'_, '_>,
    operand: NodeId,
    shape: &[Dim],
    place: &[Address],
) -> Expr {
    let axes: Vec<usize> = (0..shape.len()).collect();
    let address = flat(shape, place, &axes);
    if let Some(buffer) = emitter.lowering.homes[operand] {
        return Expr::Load(buffer, Box::new(address));
    }
    let Some(Given::At(row)) = emitter.lowering.elsewhere(operand) else {
        crate::bug!("lower", "{operand:?} is reshaped and not stored")
    };
    let mut there = row.begin.clone();
    there.add_scaled(&address, &Dim::from(1));
    Expr::Load(row.buffer, Box::new(there))
}

/// The address of a place in a value of this shape, which is a row of a buffer.
fn in_row(row: &Row, shape: &[Dim], place: &[Address]) -> Address {
    let axes: Vec<usize> = (0..shape.len()).collect();
    let mut address = row.begin.clone();
    address.add_scaled(&flat(shape, place, &axes), &Dim::from(1));
    address
}

/// Where a place of a stored node is written.
pub(super) fn target(
    emitter: &Emitter<'_, '_>,
    node: NodeId,
    place: &[Address],
) -> (BufferId, Address) {
    if let Some(buffer) = emitter.lowering.homes[node] {
        return (buffer, address(emitter, buffer, place));
    }
    match emitter.lowering.elsewhere(node) {
        Some(Given::At(row)) => (row.buffer, in_row(row, emitter.graph().shape(node), place)),
        Some(Given::Position(_)) | None => crate::bug!("lower", "{node:?} has no buffer"),
    }
}

pub(super) fn load(emitter: &Emitter<'_, '_>, buffer: BufferId, place: &[Address]) -> Expr {
    let shape = &emitter.lowering.buffers[buffer].shape;
    let axes: Vec<usize> = (0..shape.len()).collect();
    Expr::Load(buffer, Box::new(flat(shape, place, &axes)))
}

/// The address of a place in a buffer.
pub(super) fn address(emitter: &Emitter<'_, '_>, buffer: BufferId, place: &[Address]) -> Address {
    let shape = &emitter.lowering.buffers[buffer].shape;
    let axes: Vec<usize> = (0..shape.len()).collect();
    flat(shape, place, &axes)
}

/// A position as an `i64`.
pub(super) fn position(address: &Address) -> Expr {
    let affine =
        Expr::Position { constant: address.constant.clone(), terms: address.terms.clone() };
    address.computed.iter().fold(affine, |sum, (expr, coefficient)| {
        let scale = Expr::Position { constant: coefficient.clone(), terms: Vec::new() };
        let scaled =
            if coefficient.is(1) { expr.clone() } else { binary(Binary::Mul, expr.clone(), scale) };
        binary(Binary::Add, sum, scaled)
    })
}

pub(super) fn binary(binary: Binary, left: Expr, right: Expr) -> Expr {
    Expr::Binary(binary, Box::new(left), Box::new(right))
}

fn extent(dim: Dim) -> Expr {
    Expr::Position { constant: dim, terms: Vec::new() }
}

fn take(emitter: &mut Emitter<'_, '_>, node: NodeId, batch: usize, place: &[Address]) -> Expr {
    let graph = emitter.graph();
    let operands = graph.operands(node);
    let length = &graph.shape(operands[0])[batch];
    if emitter.tables_are_empty && uncertain_table(graph, node).is_some() {
        return Expr::Constant(Scalar::from_i64(graph.element(node), 0));
    }
    let rank = graph.ty(operands[1]).rank();
    let index = pull(emitter, operands[1], &place[..rank]);
    let last = extent(length.clone() - Dim::from(1));
    let zero = Expr::Constant(Scalar::from_i64(Element::I64, 0));
    let clamped = binary(Binary::Max, binary(Binary::Min, index, last), zero);
    let depth = emitter.depth_of(&place[..rank]);
    let clamped = emitter.name(depth, Element::I64, clamped);
    let found = Address { computed: vec![(clamped, Dim::from(1))], ..Address::default() };
    let there: Vec<Address> =
        place[..batch].iter().chain([&found]).chain(&place[rank..]).cloned().collect();
    pull(emitter, operands[0], &there)
}

/// Whether a position lies in `0..length`.
pub(super) fn is_inside(index: &Expr, length: &Dim) -> Expr {
    let zero = Expr::Constant(Scalar::from_i64(Element::I64, 0));
    let above = Expr::Compare(Comparison::Ge, Box::new(index.clone()), Box::new(zero));
    let below =
        Expr::Compare(Comparison::Lt, Box::new(index.clone()), Box::new(extent(length.clone())));
    binary(Binary::And, above, below)
}
