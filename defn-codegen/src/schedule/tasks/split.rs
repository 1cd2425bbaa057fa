//! One nest for each loop that may have tasks.
//!
//! In:  nests with several statements at the top.   Out: nests that are one such loop, and nests of what stands between.

use std::collections::{BTreeMap, BTreeSet};

use super::super::names::Names;
use super::{Workers, cost, is_shared};
use crate::graph::{Dim, Element};
use crate::loops::ask;
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Address, Buffer, BufferId, Expr, Loops, Nest, RegisterId, Space, Statement, ValueId, VariableId,
};

/// Splits all nests that can be.
pub(super) fn split(loops: &mut Loops, workers: Workers) {
    let mut names = Names::of(loops);
    for nest in std::mem::take(&mut loops.nests) {
        let whole = cost::of_body(loops, &nest.body);
        let is_small = whole.as_constant().is_some_and(|whole| whole < workers.small);
        if is_small || nest.threads > 1 {
            loops.nests.push(nest);
            continue;
        }
        let bodies = match nest.body.as_slice() {
            // A condition around everything stands around each part.
            [Statement::If { condition, body }] if ask::is_of_extents(condition) => {
                let parts = parts(loops, &mut names, body);
                let guard = |body| vec![Statement::If { condition: condition.clone(), body }];
                parts.map(|parts| parts.into_iter().map(guard).collect::<Vec<_>>())
            }
            body => parts(loops, &mut names, body),
        };
        match bodies {
            None => loops.nests.push(nest),
            Some(bodies) => {
                loops.nests.extend(bodies.into_iter().map(Nest::new));
            }
        }
    }
}

/// Whether a statement of the top is a nest of its own.
fn stands_alone(statement: &Statement) -> bool {
    match statement {
        Statement::For(inner) => is_shared(inner),
        Statement::If { condition, body } if ask::is_of_extents(condition) => {
            matches!(body.as_slice(), [Statement::For(inner)] if is_shared(inner))
        }
        Statement::If { .. }
        | Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => false,
    }
}

/// The parts of a body; none if it is one, or cannot be split.
fn parts(loops: &mut Loops, names: &mut Names, body: &[Statement]) -> Option<Vec<Vec<Statement>>> {
    let works = body.iter().filter(|it| !matches!(it, Statement::Let { .. })).count();
    if works < 2 || !body.iter().any(stands_alone) {
        return None;
    }
    let places = places(body)?;
    let count = places.iter().max()? + 1;
    let mut parts: Vec<Vec<Statement>> = vec![Vec::new(); count];
    for (statement, place) in body.iter().zip(&places) {
        parts[*place].push(statement.clone());
    }
    let parts = Crossing { loops, names, parts, rows: Vec::new() }.resolve();
    Some(parts.into_iter().filter(|part| does_something(part)).collect())
}

/// The part of each statement; none if a register would be used in two parts.
fn places(body: &[Statement]) -> Option<Vec<usize>> {
    let (mut places, mut part) = (Vec::with_capacity(body.len()), 0);
    let mut is_open = false;
    for statement in body {
        let alone = stands_alone(statement);
        if alone && is_open {
            part += 1;
        }
        places.push(part);
        is_open = !alone;
        part += usize::from(alone);
    }
    // A register is declared where it is used.
    for (at, statement) in body.iter().enumerate() {
        let Statement::Declare { register, initial, .. } = statement else { continue };
        let users: BTreeSet<usize> = (0..body.len())
            .filter(|other| *other != at && mentions(&body[*other], *register))
            .map(|other| places[other])
            .collect();
        let is_plain = matches!(initial, Expr::Constant(_));
        match users.iter().collect::<Vec<_>>().as_slice() {
            [] => {}
            [place] if is_plain || **place == places[at] => places[at] = **place,
            _ => return None,
        }
    }
    Some(places)
}

fn mentions(statement: &Statement, register: RegisterId) -> bool {
    let mut found = false;
    visit::statements(std::slice::from_ref(statement), &mut |inner| {
        found |= matches!(inner, Statement::Set { register: set, .. } if *set == register);
        visit::own_expressions(inner, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                found |= matches!(expr, Expr::Register(read) | Expr::Combine(_, read) if *read == register);
            });
        });
    });
    found
}

fn does_something(part: &[Statement]) -> bool {
    let idle = |it: &Statement| matches!(it, Statement::Let { .. } | Statement::Declare { .. });
    !part.iter().all(idle)
}

/// Values that are computed in one part and used in another.
pub(in crate::schedule) struct Crossing<'l> {
    pub(in crate::schedule) loops: &'l mut Loops,
    pub(in crate::schedule) names: &'l mut Names,
    pub(in crate::schedule) parts: Vec<Vec<Statement>>,
    /// The loops around all parts, outermost first.
    pub(in crate::schedule) rows: Vec<(VariableId, Dim)>,
}

/// Where a value is computed.
#[derive(Clone)]
struct Origin {
    part: usize,
    element: Element,
    expr: Expr,
    /// Whether it may be computed again. Told once: what a value is made of may be shared over and over.
    movable: bool,
}

/// Values under other names.
struct Renamed<'m>(&'m BTreeMap<ValueId, ValueId>);

impl Rename for Renamed<'_> {
    fn value(&self, value: ValueId) -> ValueId {
        self.0.get(&value).copied().unwrap_or(value)
    }
}

impl Crossing<'_> {
    /// The parts, each of which knows what it uses.
    pub(in crate::schedule) fn resolve(mut self) -> Vec<Vec<Statement>> {
        let mut origins: BTreeMap<ValueId, Origin> = BTreeMap::new();
        for (part, statements) in self.parts.iter().enumerate() {
            for statement in statements {
                if let Statement::Let { value, element, expr } = statement {
                    let movable = self.is_movable(expr, &origins);
                    let origin = Origin { part, element: *element, expr: expr.clone(), movable };
                    origins.insert(*value, origin);
                }
            }
        }
        let mut spilled: BTreeMap<ValueId, BufferId> = BTreeMap::new();
        for part in 0..self.parts.len() {
            let mut here = BTreeMap::new();
            let mut front = Vec::new();
            for value in values_in(&self.parts[part]) {
                if origins.get(&value).is_some_and(|origin| origin.part != part) {
                    self.bring((value, &origins), &mut spilled, (&mut here, &mut front));
                }
            }
            let renamed = Renamed(&here);
            let rest = self.parts[part].iter().map(|it| visit::rename_statement(it, &renamed));
            self.parts[part] = front.into_iter().chain(rest).collect();
        }
        self.parts
    }

    /// Makes a value of another part known under a name of its own.
    fn bring(
        &mut self,
        (value, origins): (ValueId, &BTreeMap<ValueId, Origin>),
        spilled: &mut BTreeMap<ValueId, BufferId>,
        (here, front): (&mut BTreeMap<ValueId, ValueId>, &mut Vec<Statement>),
    ) {
        if here.contains_key(&value) {
            return;
        }
        let Origin { part, element, expr, movable } = origins[&value].clone();
        let expr = if movable {
            for inner in values_of(&expr) {
                self.bring((inner, origins), spilled, (here, front));
            }
            visit::rename_expr(&expr, &Renamed(here))
        } else {
            let buffer = match spilled.get(&value) {
                Some(buffer) => *buffer,
                None => self.spill(value, part, element),
            };
            spilled.insert(value, buffer);
            Expr::Load(buffer, Box::new(self.row()))
        };
        let fresh = self.names.value();
        here.insert(value, fresh);
        front.push(Statement::Let { value: fresh, element, expr });
    }

    /// Whether a value may be computed again: from extents, constants, what nobody writes, and values of which the same is known.
    fn is_movable(&self, expr: &Expr, origins: &BTreeMap<ValueId, Origin>) -> bool {
        let mut movable = true;
        visit::expressions(expr, &mut |expr| match expr {
            Expr::Register(_) | Expr::Combine(..) | Expr::Shift { .. } => movable = false,
            Expr::Load(buffer, _) => {
                let space = &self.loops.buffers[*buffer].space;
                movable &= matches!(space, Space::Parameter(_));
            }
            Expr::Constant(_)
            | Expr::Value(_)
            | Expr::Position { .. }
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Compare(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Convert(..)
            | Expr::Bits(..) => {}
        });
        movable
            && values_of(expr)
                .iter()
                .all(|value| origins.get(value).is_some_and(|origin| origin.movable))
    }

    /// The place of a row in scratch of one element a row.
    fn row(&self) -> Address {
        let (mut address, mut step) = (Address::default(), Dim::from(1));
        for (variable, extent) in self.rows.iter().rev() {
            address.add_term(*variable, &step);
            step = step * extent.clone();
        }
        address
    }

    /// Stores a value where it is computed.
    fn spill(&mut self, value: ValueId, part: usize, element: Element) -> BufferId {
        let buffer = self.loops.buffers.push(Buffer {
            name: format!("s{}", self.loops.buffers.len()),
            element,
            shape: self.rows.iter().map(|(_, extent)| extent.clone()).collect(),
            lanes: 1,
            space: Space::Workspace(None),
        });
        let is_here =
            |it: &Statement| matches!(it, Statement::Let { value: here, .. } if *here == value);
        let at = self.parts[part].iter().position(is_here).map_or(0, |at| at + 1);
        let store = Statement::Store { buffer, address: self.row(), expr: Expr::Value(value) };
        self.parts[part].insert(at, store);
        buffer
    }
}

/// The values that statements use, in order.
fn values_in(statements: &[Statement]) -> Vec<ValueId> {
    let mut found = Vec::new();
    visit::statements(statements, &mut |statement| {
        visit::own_expressions(statement, &mut |expr| found.extend(values_of(expr)));
    });
    found
}

fn values_of(expr: &Expr) -> Vec<ValueId> {
    let mut found = Vec::new();
    visit::expressions(expr, &mut |expr| {
        if let Expr::Value(value) = expr {
            found.push(*value);
        }
    });
    found
}
