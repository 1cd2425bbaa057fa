//! All that is done to one problem, written out: what is known is not computed, and what is stored for a moment is a value.
//!
//! In:  nests that go over the same problems.   Out: one loop over the problems with loads, values and stores.
//!
//! ```text
//! before                                            after, in a loop over i
//! var $0 = 0.0                                      let %4 = load a[2*i]
//! for j in 0..2 { $0 = add($0, load a[2*i + j]) }   let %5 = add(0.0, %4)
//! store t0[i] = $0                                  let %6 = load a[2*i + 1]
//! for j in 0..2 {                                   let %7 = add(%5, %6)
//!   let %2 = eq(pos(j), 0)                          store r0[2*i] = %7
//!   store r0[2*i + j] = select(%2, load t0[i], …)   …
//! }
//! ```
//!
//! The nests are executed with the position of the problem left open. Every element of a buffer that is stored is a value at any time,
//! so that all addresses of such a buffer must lie in the problem: `step * i + part`. A part that is computed makes a choice.
//! None comes out if the nests are more than that, or too long.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::fold::{self, Bounds};
use super::{Kept, times};
use crate::graph::{Binary, Comparison, Dim, Element, Scalar};
use crate::loops::control::part;
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Address, BufferId, Control, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    ValueId, VariableId,
};
use crate::schedule::names::Names;

/// No more values are computed.
const MOST: usize = 4000;
/// No more statements are looked at.
const LONGEST: usize = 40_000;
/// No choice has more sides.
const MOST_SIDES: i64 = 64;

/// What is written out.
pub(super) struct Problem<'p> {
    /// Which nests.
    pub(super) range: Range<usize>,
    /// How many problems there are.
    pub(super) shared: &'p Dim,
}

/// One nest in place of all of them.
pub(super) fn written(loops: &Loops, names: &mut Names, problem: &Problem<'_>) -> Option<Nest> {
    let nests = &loops.nests[problem.range.clone()];
    let variable = names.variable();
    let mut stored = BTreeSet::new();
    for nest in nests {
        visit::addresses(&nest.body, &mut |buffer, _, written| {
            if written {
                stored.insert(buffer);
            }
        });
    }
    let mut writing = Writing {
        loops,
        names,
        variable,
        shared: problem.shared,
        stored,
        counters: BTreeMap::new(),
        values: BTreeMap::new(),
        registers: BTreeMap::new(),
        places: BTreeMap::new(),
        steps: BTreeMap::new(),
        entered: BTreeSet::new(),
        changed: BTreeSet::new(),
        of_values: BTreeMap::new(),
        known: BTreeMap::new(),
        guard: None,
        told: Vec::new(),
        out: Vec::new(),
        room: LONGEST,
    };
    writing.nests(nests)?;
    let kept = Kept::of(loops, &problem.range);
    let mut body = writing.finished(&kept);
    drop_unused(&mut body);
    if body.len() > MOST {
        return None;
    }
    let extent = problem.shared.clone();
    let all = For { variable, extent, clip: None, manner: Manner::Parallel, body };
    Some(Nest::new(vec![Statement::For(all)]))
}

/// What is known of a value.
#[derive(Clone, Copy)]
struct Known {
    element: Element,
    bounds: Bounds,
}

/// What is written so far, and what is known.
struct Writing<'w> {
    loops: &'w Loops,
    names: &'w mut Names,
    /// The position of the problem.
    variable: VariableId,
    shared: &'w Dim,
    /// The buffers whose elements are values.
    stored: BTreeSet<BufferId>,
    /// What stands for the variables of the nests: `constant + Σ coefficient · variable`.
    counters: BTreeMap<VariableId, (Dim, Vec<(VariableId, Dim)>)>,
    values: BTreeMap<ValueId, Expr>,
    registers: BTreeMap<RegisterId, Expr>,
    /// What the elements of a problem hold.
    places: BTreeMap<(BufferId, i64), Expr>,
    /// How many elements of a buffer a problem has.
    steps: BTreeMap<BufferId, i64>,
    /// The buffers that are read before they are written.
    entered: BTreeSet<BufferId>,
    /// The elements that are written.
    changed: BTreeSet<(BufferId, i64)>,
    /// Of the values that are written.
    of_values: BTreeMap<ValueId, Known>,
    /// The values of operations: none is written twice.
    known: BTreeMap<Expr, ValueId>,
    /// What must hold for what is done to be done.
    guard: Option<Expr>,
    /// What that says of the size of values.
    told: Vec<(ValueId, Bounds)>,
    out: Vec<Statement>,
    room: usize,
}

impl Rename for Writing<'_> {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        self.counters.get(&variable).cloned()
    }
}

impl Writing<'_> {
    fn nests(&mut self, nests: &[Nest]) -> Option<()> {
        let mut position = 0;
        while position < nests.len() {
            let nest = &nests[position];
            match &nest.control {
                None => nest.body.iter().try_for_each(|statement| self.problem(statement))?,
                Some(Control::Repeat { variable, extent }) => {
                    let (_, end) = part(nests, position)?;
                    for iteration in 0..extent.as_constant()? {
                        self.counters.insert(*variable, (Dim::from(iteration), Vec::new()));
                        self.nests(&nests[position + 1..end])?;
                    }
                    position = end;
                }
                Some(
                    Control::Loop { .. }
                    | Control::Leave { .. }
                    | Control::If { .. }
                    | Control::Else
                    | Control::End
                    | Control::Inspect { .. },
                ) => return None,
            }
            position += 1;
        }
        Some(())
    }

    /// What a loop over all problems does to one, or a value for all of them.
    fn problem(&mut self, statement: &Statement) -> Option<()> {
        let Statement::For(outer) = statement else { return self.statement(statement) };
        let parts = times(&outer.extent, self.shared)?;
        for part in 0..parts {
            let here = (Dim::from(part), vec![(self.variable, Dim::from(parts))]);
            self.counters.insert(outer.variable, here);
            self.block(&outer.body)?;
        }
        Some(())
    }

    fn block(&mut self, block: &[Statement]) -> Option<()> {
        block.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Option<()> {
        self.room = self.room.checked_sub(1)?;
        match statement {
            Statement::For(inner) => {
                let is_plain = matches!(inner.manner, Manner::Serial | Manner::Parallel);
                if inner.clip.is_some() || !is_plain {
                    return None;
                }
                for iteration in 0..inner.extent.as_constant()? {
                    self.counters.insert(inner.variable, (Dim::from(iteration), Vec::new()));
                    self.block(&inner.body)?;
                }
            }
            Statement::Let { value, element: _, expr } => {
                let expr = self.expr(expr)?;
                self.values.insert(*value, expr);
            }
            Statement::Declare { register, element: _, lanes, initial } => {
                if *lanes != 1 {
                    return None;
                }
                let initial = self.expr(initial)?;
                self.registers.insert(*register, initial);
            }
            Statement::Set { register, expr } => {
                let new = self.expr(expr)?;
                let old = self.registers.get(register)?.clone();
                let new = self.guarded(new, old)?;
                self.registers.insert(*register, new);
            }
            Statement::Store { buffer, address, expr } => {
                let new = self.expr(expr)?;
                self.store(*buffer, address, new)?;
            }
            Statement::If { condition, body } => self.choice(condition, body)?,
            Statement::Sync | Statement::Mma(_) => return None,
        }
        Some(())
    }

    fn choice(&mut self, condition: &Expr, body: &[Statement]) -> Option<()> {
        let told = self.tells(condition);
        let condition = self.expr(condition)?;
        if let Expr::Constant(decided) = condition {
            return if decided.bits == 0 { Some(()) } else { self.block(body) };
        }
        let (around, before) = (self.guard.clone(), self.told.len());
        self.told.extend(told);
        self.guard = Some(match &around {
            None => condition,
            Some(around) => self.operation(Expr::Binary(
                Binary::And,
                Box::new(around.clone()),
                Box::new(condition),
            ))?,
        });
        self.block(body)?;
        self.guard = around;
        self.told.truncate(before);
        Some(())
    }

    /// What a condition says of the size of values.
    fn tells(&mut self, condition: &Expr) -> Vec<(ValueId, Bounds)> {
        match condition {
            Expr::Binary(Binary::And, left, right) => {
                let mut told = self.tells(left);
                told.extend(self.tells(right));
                told
            }
            Expr::Compare(comparison, left, right) => {
                let (left, right) = (self.expr(left), self.expr(right));
                let (Some(Expr::Value(value)), Some(Expr::Constant(bound))) = (left, right) else {
                    return Vec::new();
                };
                if bound.element != Element::I64 {
                    return Vec::new();
                }
                let bound = bound.to_i64();
                match comparison {
                    Comparison::Ge => vec![(value, (bound, i64::MAX))],
                    Comparison::Lt => vec![(value, (i64::MIN, bound.saturating_sub(1)))],
                    Comparison::Eq | Comparison::Ne | Comparison::Le | Comparison::Gt => Vec::new(),
                }
            }
            Expr::Constant(_)
            | Expr::Value(_)
            | Expr::Register(_)
            | Expr::Combine(..)
            | Expr::Position { .. }
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Bits(_)
            | Expr::Shift { .. }
            | Expr::Convert(..)
            | Expr::Load(..) => Vec::new(),
        }
    }

    /// What is there if the guard holds, and what if not.
    fn guarded(&mut self, new: Expr, old: Expr) -> Option<Expr> {
        match self.guard.clone() {
            None => Some(new),
            Some(guard) => {
                self.operation(Expr::Select(Box::new(guard), Box::new(new), Box::new(old)))
            }
        }
    }
}

impl Writing<'_> {
    /// What an expression is: a constant, a value or a position.
    fn expr(&mut self, expr: &Expr) -> Option<Expr> {
        let operation = match expr {
            Expr::Constant(_) => return Some(expr.clone()),
            Expr::Value(value) => return self.values.get(value).cloned(),
            Expr::Register(register) => return self.registers.get(register).cloned(),
            Expr::Position { .. } => {
                let position = visit::rename_expr(expr, self);
                return Some(known_position(position));
            }
            Expr::Load(buffer, address) => return self.load(*buffer, address),
            Expr::Combine(..) | Expr::Shift { .. } => return None,
            Expr::Unary(function, a) => Expr::Unary(*function, self.boxed(a)?),
            Expr::Convert(element, a) => Expr::Convert(*element, self.boxed(a)?),
            Expr::Bits(a) => Expr::Bits(self.boxed(a)?),
            Expr::Binary(function, a, b) => Expr::Binary(*function, self.boxed(a)?, self.boxed(b)?),
            Expr::Compare(comparison, a, b) => {
                Expr::Compare(*comparison, self.boxed(a)?, self.boxed(b)?)
            }
            Expr::Select(a, b, c) => Expr::Select(self.boxed(a)?, self.boxed(b)?, self.boxed(c)?),
            Expr::MultiplyAdd(a, b, c) => {
                Expr::MultiplyAdd(self.boxed(a)?, self.boxed(b)?, self.boxed(c)?)
            }
        };
        self.operation(operation)
    }

    fn boxed(&mut self, expr: &Expr) -> Option<Box<Expr>> {
        self.expr(expr).map(Box::new)
    }

    /// The value of an operation whose operands are known.
    fn operation(&mut self, operation: Expr) -> Option<Expr> {
        if let Some(folded) = fold::folded(&operation) {
            return Some(folded);
        }
        let element = self.element(&operation)?;
        self.named(operation, element)
    }

    fn named(&mut self, expr: Expr, element: Element) -> Option<Expr> {
        if let Some(value) = self.known.get(&expr) {
            return Some(Expr::Value(*value));
        }
        self.room = self.room.checked_sub(1)?;
        let bounds = fold::bounds(&expr, &|value| self.bounds(value));
        let value = self.names.value();
        self.of_values.insert(value, Known { element, bounds });
        self.known.insert(expr.clone(), value);
        self.out.push(Statement::Let { value, element, expr });
        Some(Expr::Value(value))
    }

    fn bounds(&self, expr: &Expr) -> Bounds {
        let Expr::Value(value) = expr else { return fold::bounds(expr, &|_| fold::ALL) };
        self.of_values.get(value).map_or(fold::ALL, |known| known.bounds)
    }

    fn element(&self, expr: &Expr) -> Option<Element> {
        match expr {
            Expr::Constant(scalar) => Some(scalar.element),
            Expr::Value(value) => self.of_values.get(value).map(|known| known.element),
            Expr::Position { .. } => Some(Element::I64),
            Expr::Compare(..) => Some(Element::Bool),
            Expr::Convert(element, _) => Some(*element),
            Expr::Bits(operand) => Expr::bits_of(self.element(operand)?),
            Expr::Unary(_, operand) | Expr::Binary(_, operand, _) | Expr::Select(_, operand, _) => {
                self.element(operand)
            }
            Expr::MultiplyAdd(operand, ..) => self.element(operand),
            Expr::Load(buffer, _) => Some(self.loops.buffers[*buffer].element),
            Expr::Register(_) | Expr::Combine(..) | Expr::Shift { .. } => None,
        }
    }
}

/// A position, or the number that it is.
fn known_position(position: Expr) -> Expr {
    if let Expr::Position { constant, terms } = &position
        && terms.is_empty()
        && let Some(number) = constant.as_constant()
    {
        return Expr::Constant(Scalar::from_i64(Element::I64, number));
    }
    position
}

impl Writing<'_> {
    /// An address with what is known: its computed parts are values.
    fn address(&mut self, address: &Address) -> Option<Address> {
        let affine = Address { computed: Vec::new(), ..address.clone() };
        let mut here = visit::rename_address(&affine, self);
        for (expr, by) in &address.computed {
            let expr = self.expr(expr)?;
            if let Expr::Constant(number) = expr {
                here.constant = here.constant + Dim::from(number.to_i64()) * by.clone();
            } else {
                here.computed.push((expr, by.clone()));
            }
        }
        Some(here)
    }

    fn load(&mut self, buffer: BufferId, address: &Address) -> Option<Expr> {
        let address = self.address(address)?;
        if self.stored.contains(&buffer) {
            return self.held_at(buffer, &address);
        }
        // What is not done must not be read either, unless it is there in any case.
        if self.guard.is_some() && !self.is_there(buffer, &address) {
            return None;
        }
        let element = self.loops.buffers[buffer].element;
        self.named(Expr::Load(buffer, Box::new(address)), element)
    }

    /// Whether an address is an element of the problem, for all problems.
    fn is_there(&self, buffer: BufferId, address: &Address) -> bool {
        let [(variable, step)] = address.terms.as_slice() else { return false };
        let size = self.loops.buffers[buffer].size();
        let part = address.constant.as_constant();
        *variable == self.variable
            && address.computed.is_empty()
            && times(&size, self.shared).is_some_and(|own| {
                step.is(own) && part.is_some_and(|part| (0..own).contains(&part))
            })
    }

    /// What stands at an address of a buffer whose elements are values.
    fn held_at(&mut self, buffer: BufferId, address: &Address) -> Option<Expr> {
        let Some((index, _)) = address.computed.first() else {
            let place = self.place(buffer, address)?;
            return self.held(place);
        };
        let mut held: Option<Expr> = None;
        for (number, there) in self.sides(address)? {
            let here = self.held_at(buffer, &there)?;
            held = Some(match held {
                None => here,
                Some(others) => {
                    let is_meant = self.equals(index, number)?;
                    self.operation(Expr::Select(
                        Box::new(is_meant),
                        Box::new(here),
                        Box::new(others),
                    ))?
                }
            });
        }
        held
    }

    fn store(&mut self, buffer: BufferId, address: &Address, new: Expr) -> Option<()> {
        let address = self.address(address)?;
        self.store_at(buffer, &address, &new)
    }

    fn store_at(&mut self, buffer: BufferId, address: &Address, new: &Expr) -> Option<()> {
        let Some((index, _)) = address.computed.first() else {
            let place = self.place(buffer, address)?;
            let new = match self.guard {
                None => new.clone(),
                Some(_) => {
                    let old = self.held(place)?;
                    self.guarded(new.clone(), old)?
                }
            };
            self.changed.insert(place);
            self.places.insert(place, new);
            return Some(());
        };
        let around = self.guard.clone();
        for (number, there) in self.sides(address)? {
            let is_meant = self.equals(index, number)?;
            self.guard = Some(match &around {
                None => is_meant,
                Some(around) => self.operation(Expr::Binary(
                    Binary::And,
                    Box::new(around.clone()),
                    Box::new(is_meant),
                ))?,
            });
            self.store_at(buffer, &there, new)?;
        }
        self.guard = around;
        Some(())
    }

    fn equals(&mut self, index: &Expr, number: i64) -> Option<Expr> {
        let number = Expr::Constant(Scalar::from_i64(Element::I64, number));
        self.operation(Expr::Compare(Comparison::Eq, Box::new(index.clone()), Box::new(number)))
    }

    /// All that the first computed part of an address can be, and the address for each.
    fn sides(&self, address: &Address) -> Option<Vec<(i64, Address)>> {
        let (index, by) = address.computed.first()?;
        let mut rest = address.clone();
        rest.computed.remove(0);
        let of_index = |(value, _): &&(ValueId, Bounds)| *index == Expr::Value(*value);
        let told = self.told.iter().filter(of_index);
        let (low, high) = told
            .fold(self.bounds(index), |(low, high), (_, told)| (low.max(told.0), high.min(told.1)));
        let is_few = high.checked_sub(low).is_some_and(|more| (0..MOST_SIDES).contains(&more));
        is_few.then(|| {
            let with = |number: i64| {
                let constant = rest.constant.clone() + Dim::from(number) * by.clone();
                (number, Address { constant, ..rest.clone() })
            };
            (low..=high).map(with).collect()
        })
    }

    /// Which element of the problem an address is.
    fn place(&mut self, buffer: BufferId, address: &Address) -> Option<(BufferId, i64)> {
        let part = address.constant.as_constant()?;
        let content = &self.loops.buffers[buffer];
        if matches!(content.space, Space::Private(_)) && address.terms.is_empty() {
            return Some((buffer, part));
        }
        let [(variable, step)] = address.terms.as_slice() else { return None };
        let step = step.as_constant()?;
        // What is stored is there for all problems, whatever holds for one of them.
        let is_whole = times(&content.size(), self.shared) == Some(step);
        let own = *variable == self.variable && (0..step).contains(&part) && is_whole;
        let same = *self.steps.entry(buffer).or_insert(step) == step;
        (own && same).then_some((buffer, part))
    }

    /// What an element holds; at first what it held before.
    fn held(&mut self, place: (BufferId, i64)) -> Option<Expr> {
        if let Some(held) = self.places.get(&place) {
            return Some(held.clone());
        }
        let (buffer, _) = place;
        self.entered.insert(buffer);
        let address = self.address_of(place)?;
        let element = self.loops.buffers[buffer].element;
        let held = self.named(Expr::Load(buffer, Box::new(address)), element)?;
        self.places.insert(place, held.clone());
        Some(held)
    }

    fn address_of(&self, (buffer, part): (BufferId, i64)) -> Option<Address> {
        let step = *self.steps.get(&buffer)?;
        let mut address = Address { constant: Dim::from(part), ..Address::default() };
        address.add_term(self.variable, &Dim::from(step));
        Some(address)
    }

    /// All statements, with those that store what must stay.
    fn finished(mut self, kept: &Kept) -> Vec<Statement> {
        for (buffer, part) in &self.changed {
            let space = &self.loops.buffers[*buffer].space;
            let is_own = matches!(space, Space::Workspace(_) | Space::Private(_))
                && !kept.outside.contains(buffer)
                && !(kept.is_repeated && self.entered.contains(buffer));
            let place = (*buffer, *part);
            if let (false, Some(address)) = (is_own, self.address_of(place)) {
                let (buffer, expr) = (*buffer, self.places[&place].clone());
                self.out.push(Statement::Store { buffer, address, expr });
            }
        }
        self.out
    }
}

/// Drops values that nobody needs.
fn drop_unused(body: &mut Vec<Statement>) {
    let mut needed: BTreeSet<ValueId> = BTreeSet::new();
    let mut keep = vec![true; body.len()];
    for (statement, keep) in body.iter().zip(&mut keep).rev() {
        if let Statement::Let { value, .. } = statement
            && !needed.contains(value)
        {
            *keep = false;
            continue;
        }
        visit::own_expressions(statement, &mut |expr| {
            visit::names(expr, &mut |name| {
                if let visit::Name::Value(value) = name {
                    needed.insert(value);
                }
            });
        });
    }
    let mut keep = keep.into_iter();
    body.retain(|_| keep.next().unwrap_or_default());
}
