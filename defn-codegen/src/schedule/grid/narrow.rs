//! Scratch of `f32` that holds nothing but floats of 16 bits.
//!
//! ```text
//! before                                                   after
//! buffer x: bf16[n, k] = parameter 0                       buffer x: bf16[n, k] = parameter 0
//! buffer t: f32[n, k] = workspace
//! nest 0 {
//!   for i in 0..k*n lanes 64 { store t[i] = convert.f32(load x[i]) }
//! }
//! nest 1 { … fma(load t[…], load w[…], $0) … }             nest 0 { … fma(convert.f32(load x[…]), load w[…], $0) … }
//! ```
//!
//! A host converts the left operand of a product once, and reads it for every group of columns. A device converts what it brings into
//! fast memory on the way, or multiplies it as it is: then half of the memory is read. Such scratch has 16 bits, and what would be a copy of a
//! parameter is the parameter.
//!
//! Never here: what fixes bits. Lanes are counted by what is computed, so that this comes behind.

use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::graph::Element;
use crate::loops::{
    Buffer, BufferId, Control, Expr, For, Loops, Space, Statement, ValueId, ask, visit,
};

/// Makes scratch narrow where it may be.
pub(in crate::schedule) fn narrow(loops: &mut Loops) {
    let halves = halves(loops);
    if halves.is_empty() {
        return;
    }
    let values = values(loops);
    for nest in &mut loops.nests {
        store_halves(&mut nest.body, &halves, (&values, &loops.buffers));
        nest.body = with_loads(&nest.body, &|buffer, load| match halves.contains_key(&buffer) {
            true => Expr::Convert(Element::F32, Box::new(load)),
            false => load,
        });
    }
    for (buffer, element) in &halves {
        loops.buffers[*buffer].element = *element;
    }
    let copies = copies(loops, &halves);
    for nest in &mut loops.nests {
        nest.body = with_loads(&nest.body, &|buffer, load| match (copies.get(&buffer), load) {
            (Some(from), Expr::Load(_, address)) => Expr::Load(*from, address),
            (_, load) => load,
        });
    }
    for nest in &mut loops.nests {
        without(&mut nest.body, &copies);
    }
    loops.nests.retain(|nest| nest.control.is_some() || !does_nothing(&nest.body));
}

/// Removes what copies, and loops in which nothing else is done.
fn without(body: &mut Vec<Statement>, copies: &BTreeMap<BufferId, BufferId>) {
    body.retain_mut(|statement| match statement {
        Statement::Store { buffer, .. } => !copies.contains_key(buffer),
        Statement::For(For { body, .. }) | Statement::If { condition: _, body } => {
            without(body, copies);
            !does_nothing(body)
        }
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Mma(_)
        | Statement::Sync => true,
    });
}

/// Whether a body names values at most.
fn does_nothing(body: &[Statement]) -> bool {
    body.iter().all(|statement| matches!(statement, Statement::Let { .. }))
}

/// Statements with others in place of what they load.
fn with_loads(body: &[Statement], other: &dyn Fn(BufferId, Expr) -> Expr) -> Vec<Statement> {
    let mut loads = |expr: &Expr| visit::with_loads(expr, other);
    body.iter().map(|statement| visit::with_expressions(statement, &mut loads)).collect()
}

/// Stores numbers of 16 bits before they are made wider.
fn store_halves(
    body: &mut [Statement],
    halves: &BTreeMap<BufferId, Element>,
    (values, buffers): (&Values, &Arena<Buffer>),
) {
    for statement in body {
        match statement {
            Statement::For(For { body, .. }) | Statement::If { condition: _, body } => {
                store_halves(body, halves, (values, buffers));
            }
            Statement::Store { buffer, address: _, expr } if halves.contains_key(buffer) => {
                if let Some((_, half)) = narrowed(expr, values, buffers) {
                    *expr = half.clone();
                }
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::Mma(_)
            | Statement::Sync => {}
        }
    }
}

/// The values of a program: what each is, and how it is computed.
type Values = BTreeMap<ValueId, (Element, Expr)>;

fn values(loops: &Loops) -> Values {
    let mut values = Values::new();
    for nest in &loops.nests {
        visit::statements(&nest.body, &mut |statement| {
            if let Statement::Let { value, element, expr } = statement {
                values.insert(*value, (*element, expr.clone()));
            }
        });
    }
    values
}

/// The scratch that is given nothing but such numbers, and which type they have.
fn halves(loops: &Loops) -> BTreeMap<BufferId, Element> {
    let values = values(loops);
    let mut found: BTreeMap<BufferId, Option<Element>> = BTreeMap::new();
    for nest in &loops.nests {
        if let Some(read) = nest.control.as_ref().and_then(Control::reads) {
            found.insert(read, None);
        }
        visit::statements(&nest.body, &mut |statement| {
            let Statement::Store { buffer, address: _, expr } = statement else { return };
            let content = &loops.buffers[*buffer];
            let is_scratch = content.space.is_workspace() && content.lanes == 1;
            let half = narrowed(expr, &values, &loops.buffers).filter(|_| is_scratch);
            let element = half.map(|(element, _)| element);
            let known = found.entry(*buffer).or_insert(element);
            *known = known.filter(|known| Some(*known) == element);
        });
    }
    found.into_iter().filter_map(|(buffer, element)| Some((buffer, element?))).collect()
}

/// The float of 16 bits that an expression makes wider.
fn narrowed<'e>(
    expr: &'e Expr,
    values: &'e Values,
    buffers: &Arena<Buffer>,
) -> Option<(Element, &'e Expr)> {
    ask::widened(expr, &|value| values.get(&value).map(|(element, expr)| (*element, expr)), buffers)
}

/// The parameters that narrow scratch is a copy of.
fn copies(loops: &Loops, halves: &BTreeMap<BufferId, Element>) -> BTreeMap<BufferId, BufferId> {
    let values = values(loops);
    let mut found: BTreeMap<BufferId, Option<BufferId>> = BTreeMap::new();
    let mut depth = 0;
    for nest in &loops.nests {
        match &nest.control {
            Some(control) if control.opens() => depth += 1,
            Some(Control::End) => depth -= 1,
            Some(_) | None => {}
        }
        visit::statements(&nest.body, &mut |statement| {
            let Statement::Store { buffer, address, expr } = statement else { return };
            if !halves.contains_key(buffer) {
                return;
            }
            let named = if let Expr::Value(value) = expr { values.get(value) } else { None };
            let whole = named.map_or(expr, |(_, expr)| expr);
            let from = if let Expr::Load(from, place) = whole {
                (depth == 0 && **place == *address).then_some(*from)
            } else {
                None
            };
            let from = from.filter(|from| stays(loops, *from) && is_like(loops, *from, *buffer));
            let known = found.entry(*buffer).or_insert(from);
            *known = known.filter(|known| Some(*known) == from);
        });
    }
    found.into_iter().filter_map(|(buffer, from)| Some((buffer, from?))).collect()
}

/// Whether nothing is ever stored to a buffer.
fn stays(loops: &Loops, buffer: BufferId) -> bool {
    let Space::Parameter(parameter) = loops.buffers[buffer].space else { return false };
    loops.buffers.iter().all(|(_, other)| other.space != Space::Updated(parameter))
}

fn is_like(loops: &Loops, from: BufferId, buffer: BufferId) -> bool {
    let (from, buffer) = (&loops.buffers[from], &loops.buffers[buffer]);
    from.element == buffer.element && from.size() == buffer.size()
}
