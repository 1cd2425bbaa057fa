//! One rule for each primitive: what it becomes if some of its operands are mapped.
//!
//! ```text
//! before                                      after, with y mapped
//! %0: f32[n] = mul x, y                       %0: f32[map, n] = broadcast x axes=[1]
//!                                             %1: f32[map, n] = mul %0, y
//! %1: f32[m] = contract w, %0                 %2: f32[map, m] = contract %1, w batch=0 contracted=1
//!   batch=0 contracted=1
//! ```
//!
//! Where both operands of a contraction are mapped, the new axis is one more batch axis; where only one is, it is one more free axis,
//! so that a product with shared weights stays one product.

use super::{Draft, Value};
use crate::bug;
use crate::graph::{Dim, Element, Equation, Node, NodeId, Op, Scalar, Sliding};
use crate::library;

/// Positions of axes behind one more first axis.
fn behind(axes: &[usize]) -> Vec<usize> {
    axes.iter().map(|axis| axis + 1).collect()
}

/// `first`, and then the others.
fn after(first: i64, others: &[Dim]) -> Vec<Dim> {
    std::iter::once(Dim::from(first)).chain(others.iter().cloned()).collect()
}

fn behind_first(sliding: &Sliding) -> Sliding {
    let Sliding { strides, axes, dilations } = sliding;
    Sliding { strides: after(1, strides), axes: behind(axes), dilations: dilations.clone() }
}

impl Draft {
    /// A primitive with one result.
    pub(super) fn node(&mut self, node: &Node, operands: &[Value]) -> Value {
        let claimed = &node.types[0];
        if !operands.iter().any(|operand| operand.is_mapped) {
            let operands: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
            let node = self.builder.apply(node.op.clone(), &operands, claimed.clone());
            return Value { node, is_mapped: false };
        }
        let op = match &node.op {
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert
            | Op::Reshape => node.op.clone(),
            Op::Broadcast { axes } => Op::Broadcast { axes: [vec![0], behind(axes)].concat() },
            Op::Transpose { permutation } => {
                Op::Transpose { permutation: [vec![0], behind(permutation)].concat() }
            }
            Op::Slice { starts } => Op::Slice { starts: after(0, starts) },
            Op::Pad { low, high } => return self.pad(operands, low, high),
            Op::Reverse { axes } => Op::Reverse { axes: behind(axes) },
            Op::Window(sliding) => Op::Window(behind_first(sliding)),
            Op::OverlapAdd(sliding) => Op::OverlapAdd(behind_first(sliding)),
            Op::Concat { axis } => Op::Concat { axis: axis + 1 },
            Op::Take { batch } => return self.take(operands, *batch),
            Op::AddAt { batch } => Op::AddAt { batch: batch + 1 },
            Op::Scan { combine, axis, reverse } => {
                Op::Scan { combine: *combine, axis: axis + 1, reverse: *reverse }
            }
            Op::Sort { axis, descending } => Op::Sort { axis: axis + 1, descending: *descending },
            Op::Argsort { axis, descending, count } => {
                Op::Argsort { axis: axis + 1, descending: *descending, count: count.clone() }
            }
            Op::Reduce { combine, axes } => Op::Reduce { combine: *combine, axes: behind(axes) },
            Op::Implicit(Equation::Linear) if !operands[1].is_mapped => {
                let [found, matrix, sides] = *operands else {
                    bug!("transform", "a linear equation of {} operands", operands.len())
                };
                return self.shared_matrix(node, [found, matrix, sides]);
            }
            Op::Implicit(_) => node.op.clone(),
            Op::Contract { batch, contracted } => {
                return self.contract(operands, *batch, *contracted);
            }
            Op::Parameter(_) | Op::Constant(_) | Op::Extent(_) | Op::Iota { .. } => {
                bug!("transform", "{:?} has no operands", node.op)
            }
            Op::Call { .. } => bug!("transform", "a call in a first-order graph"),
            Op::Repeat(_) | Op::Branch(_) | Op::Inspect(_) | Op::Project(_) => {
                bug!("transform", "{:?} has several results", node.op)
            }
        };
        let operands: Vec<NodeId> = operands.iter().map(|operand| self.mapped(*operand)).collect();
        let claimed = self.mapped_type(claimed);
        Value { node: self.builder.apply(op, &operands, claimed), is_mapped: true }
    }

    /// A mapped scalar stands in the places where a tensor of `true`, padded alike, is not.
    fn pad(&mut self, operands: &[Value], low: &[Dim], high: &[Dim]) -> Value {
        let [operand, value] = operands else { bug!("transform", "a pad of one operand") };
        let (lows, highs) = (after(0, low), after(0, high));
        let mapped = self.mapped(*operand);
        let builder = &mut self.builder;
        if !value.is_mapped {
            let node = builder.pad(mapped, value.node, &lows, &highs);
            return Value { node, is_mapped: true };
        }
        let ty = builder.ty(mapped).clone();
        let zero = builder.constant(Scalar::from_i64(ty.element, 0));
        let padded = builder.pad(mapped, zero, &lows, &highs);
        let shape = builder.shape(padded);
        let [inside, outside] =
            [true, false].map(|it| Scalar::from_i64(Element::Bool, i64::from(it)));
        let inside = builder.splat(inside, &ty.shape[1..]);
        let outside = builder.constant(outside);
        let inside = builder.pad(inside, outside, low, high);
        let axes: Vec<usize> = (1..shape.len()).collect();
        let inside = builder.broadcast(inside, &shape, &axes);
        let value = builder.broadcast(value.node, &shape, &[0]);
        Value { node: builder.select(inside, padded, value), is_mapped: true }
    }

    /// A table that is not mapped is not repeated: the mapped axis is one more axis of positions.
    fn take(&mut self, operands: &[Value], batch: usize) -> Value {
        let [table, positions] = operands else { bug!("transform", "a take of one operand") };
        let node = if table.is_mapped {
            let positions = self.mapped(*positions);
            self.builder.take(table.node, positions, batch + 1)
        } else {
            let positions = self.move_first(positions.node, batch);
            let taken = self.builder.take(table.node, positions, batch);
            self.put_first(taken, batch)
        };
        Value { node, is_mapped: true }
    }

    /// One more batch axis if both sides are mapped, else one more free axis.
    fn contract(&mut self, operands: &[Value], batch: usize, contracted: usize) -> Value {
        let [left, right] = operands else { bug!("transform", "a contraction of one operand") };
        let node = if left.is_mapped && right.is_mapped {
            self.builder.contract(left.node, right.node, batch + 1, contracted)
        } else if left.is_mapped {
            let left = self.move_first(left.node, batch);
            let product = self.builder.contract(left, right.node, batch, contracted);
            self.put_first(product, batch)
        } else if self.builder.ty(right.node).rank() == batch + 1 + contracted {
            // Without free axes of its own the right side may stand left, and its new axis is in place.
            let right = self.move_first(right.node, batch);
            let product = self.builder.contract(right, left.node, batch, contracted);
            self.put_first(product, batch)
        } else {
            let free = self.builder.ty(left.node).rank() - contracted;
            let right = self.move_first(right.node, batch);
            let product = self.builder.contract(left.node, right, batch, contracted);
            self.put_first(product, free)
        };
        Value { node, is_mapped: true }
    }

    /// Systems with one matrix: the mapped axis is one more axis of right sides, so that the matrix is eliminated once.
    fn shared_matrix(&mut self, node: &Node, [_, matrix, sides]: [Value; 3]) -> Value {
        let rank = node.types[0].rank();
        let mut apart = node.types[0].shape.clone();
        let mut beside = apart.clone();
        beside[rank - 1] = self.extent.clone() * apart[rank - 1].clone();
        let moved = self.mapped(sides);
        let moved = self.move_first(moved, rank - 1);
        let known = self.builder.reshape(moved, &beside);
        let found = library::solutions(&mut self.builder, matrix.node, known);
        apart.insert(rank - 1, self.extent.clone());
        let found = self.builder.reshape(found, &apart);
        Value { node: self.put_first(found, rank - 1), is_mapped: true }
    }
}
