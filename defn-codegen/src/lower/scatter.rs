//! `add_at`: a copy of the operand, unless it is there already, then one addition after the other.
//!
//! ```text
//! for i in 0..size parallel { store r[i] = load x[i] }
//! for b in 0..batch { for k in 0..positions {
//!   let %p = load index[..]
//!   if and(ge(%p, 0), lt(%p, n)) { for j in 0..rest parallel { store r[.. + @(%p)*rest + j] = add(load r[..], load y[..]) } }
//! } }
//! ```
//!
//! The additions happen in row-major order of the positions, so that the result does not depend on how the loop is scheduled.

use super::emit::Emitter;
use super::pull::{address, binary, is_inside, load, pull};
use crate::graph::{Binary, Dim, Element, NodeId, Op};
use crate::loops::{Address, Expr, Manner, Statement};

/// Writes the copy and the additions.
pub(super) fn scatter(emitter: &mut Emitter<'_, '_>, node: NodeId) {
    let Some(buffer) = emitter.lowering.homes[node] else {
        crate::bug!("lower", "{node:?} has no buffer")
    };
    let graph = emitter.graph();
    let Op::AddAt { batch } = graph.op(node) else {
        crate::bug!("lower", "{node:?} does not scatter")
    };
    let operands = graph.operands(node);
    let shape = graph.shape(node);
    if !emitter.lowering.is_at(operands[0], buffer) {
        let place: Vec<Address> = shape.iter().map(|extent| emitter.open(extent)).collect();
        let expr = pull(emitter, operands[0], &place);
        let target = address(emitter, buffer, &place);
        emitter.emit(Statement::Store { buffer, address: target, expr });
        for _ in shape {
            emitter.close(Manner::Parallel);
        }
    }
    let positions = graph.shape(operands[1]);
    let outer: Vec<Address> = positions.iter().map(|extent| emitter.open(extent)).collect();
    let index = pull(emitter, operands[1], &outer);
    let depth = emitter.depth();
    let index = emitter.name(depth, Element::I64, index);
    emitter.open_condition();
    let found = Address { computed: vec![(index.clone(), Dim::from(1))], ..Address::default() };
    let rest: Vec<Address> = shape[batch + 1..].iter().map(|extent| emitter.open(extent)).collect();
    let target: Vec<Address> =
        outer[..*batch].iter().chain([&found]).chain(&rest).cloned().collect();
    let source: Vec<Address> = outer.iter().chain(&rest).cloned().collect();
    let added = pull(emitter, operands[2], &source);
    let so_far = load(emitter, buffer, &target);
    let target = address(emitter, buffer, &target);
    let expr: Expr = binary(Binary::Add, so_far, added);
    emitter.emit(Statement::Store { buffer, address: target, expr });
    for _ in &rest {
        emitter.close(Manner::Parallel);
    }
    emitter.close_condition(is_inside(&index, &shape[*batch]));
    for _ in positions {
        emitter.close(Manner::Serial);
    }
}
