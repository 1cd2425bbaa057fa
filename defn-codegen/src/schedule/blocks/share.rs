//! Reductions over everything, in blocks that workers can share.

use super::super::names::Names;
use super::{BLOCK, Part, Registers, folds};
use crate::graph::{Combine, Dim, Element};
use crate::loops::visit;
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, RegisterId, Space, Statement,
};

/// Elements whose bytes are a multiple of 64, whatever their type is.
const LINE: i64 = 64;

/// Cuts the long reductions at the top of all nests.
pub(in super::super) fn share(loops: &mut Loops) {
    let mut names = Names::of(loops);
    for position in 0..loops.nests.len() {
        let mut body = std::mem::take(&mut loops.nests[position].body);
        match body.as_mut_slice() {
            [Statement::If { condition: _, body: inner }] => {
                *inner = top(loops, &mut names, std::mem::take(inner));
            }
            _ => body = top(loops, &mut names, body),
        }
        loops.nests[position].body = body;
    }
}

fn top(loops: &mut Loops, names: &mut Names, statements: Vec<Statement>) -> Vec<Statement> {
    let mut declared: Vec<Declared> = Vec::new();
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        if let Statement::Declare { register, element, initial, lanes: 1 } = &statement {
            declared.push(Declared {
                register: *register,
                element: *element,
                initial: initial.clone(),
            });
        }
        match statement {
            Statement::For(whole) => match reduced(&whole, &declared) {
                Some(reduced) => out.extend(blocks(loops, names, (&whole, &reduced))),
                None => out.push(Statement::For(whole)),
            },
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => out.push(statement),
        }
    }
    out
}

/// A register of the top.
#[derive(Clone)]
struct Declared {
    register: RegisterId,
    element: Element,
    initial: Expr,
}

/// The registers that a long loop reduces into, each with how; none if it is short or no reduction.
fn reduced(whole: &For, declared: &[Declared]) -> Option<Vec<(Declared, Combine)>> {
    let elements = whole.extent.clone() * inner_extent(&whole.body);
    let is_short = elements.as_constant().is_some_and(|elements| elements <= BLOCK);
    if is_short || whole.manner != Manner::Parallel || whole.clip.is_some() {
        return None;
    }
    let folds = folds(&whole.body).filter(|folds| !folds.is_empty())?;
    let find = |(register, combine): (RegisterId, Combine)| {
        let found = declared.iter().find(|declared| declared.register == register)?;
        // What a block begins with must change nothing.
        let identity = Expr::Constant(combine.identity(found.element));
        (found.initial == identity).then(|| (found.clone(), combine))
    };
    folds.into_iter().map(find).collect()
}

/// How many elements one iteration has.
fn inner_extent(body: &[Statement]) -> Dim {
    let inner = body.iter().find_map(|statement| match statement {
        Statement::For(inner) => Some(inner.extent.clone() * inner_extent(&inner.body)),
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => None,
    });
    inner.unwrap_or_else(|| Dim::from(1))
}

/// The loop over blocks, and the loop over what they gave.
fn blocks(
    loops: &mut Loops,
    names: &mut Names,
    (whole, reduced): (&For, &[(Declared, Combine)]),
) -> Vec<Statement> {
    let elements = inner_extent(&whole.body);
    let length = (elements.clone() + Dim::from(BLOCK - 1)).floor_div(&elements);
    let part = Part { block: names.variable(), inside: names.variable(), length };
    let count = part.count(whole);
    // A few more than there are blocks: a size that needs no rounding is computed faster at every call.
    let lines = whole.extent.floor_div(&(part.length.clone() * Dim::from(LINE)));
    let places = lines * Dim::from(LINE) + Dim::from(LINE);
    let renamed: Vec<(RegisterId, RegisterId)> =
        reduced.iter().map(|(declared, _)| (declared.register, names.register())).collect();
    let inside = whole.body.iter().map(|it| visit::rename_statement(it, &Registers(&renamed)));
    let inside = part.of(whole, inside.collect());
    let mut body = Vec::new();
    for ((Declared { element, initial, .. }, _), (_, register)) in reduced.iter().zip(&renamed) {
        let (element, initial, register) = (*element, initial.clone(), *register);
        body.push(Statement::Declare { register, element, lanes: 1, initial });
    }
    body.push(Statement::For(inside));
    let again = names.variable();
    let mut fold = Vec::new();
    for ((Declared { register, element, .. }, combine), (_, own)) in reduced.iter().zip(&renamed) {
        let buffer = partial(loops, *element, &places);
        let at = |variable| {
            let mut address = Address::default();
            address.add_term(variable, &Dim::from(1));
            address
        };
        let expr = Expr::Register(*own);
        body.push(Statement::Store { buffer, address: at(part.block), expr });
        let (so_far, value) = (Expr::Register(*register), names.value());
        let expr = Expr::Load(buffer, Box::new(at(again)));
        fold.push(Statement::Let { value, element: *element, expr });
        let next = Box::new(Expr::Value(value));
        let expr = Expr::Binary(combine.binary(), Box::new(so_far), next);
        fold.push(Statement::Set { register: *register, expr });
    }
    let over = |variable, body| {
        let extent = count.clone();
        Statement::For(For { variable, extent, clip: None, manner: Manner::Parallel, body })
    };
    vec![over(part.block, body), over(again, fold)]
}

/// Scratch for what each block gives.
fn partial(loops: &mut Loops, element: Element, places: &Dim) -> BufferId {
    let name = format!("p{}", loops.buffers.len());
    loops.buffers.push(Buffer {
        name,
        element,
        shape: vec![places.clone()],
        lanes: 1,
        space: Space::Workspace(None),
    })
}
