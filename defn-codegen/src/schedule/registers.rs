//! Loops over a small state: what they carry stays in registers.
//!
//! ```text
//! before                                          after
//! nest 0 { store t0 = load s }                    nest 0 { store t0 = load s }
//! repeat i0 in 0..n {                             nest 1 {
//!   nest 1 { store t1 = mul(load t0, load x[i0]) }  var $0 = load t0
//!   nest 2 { store t0 = load t1 }                   for i0 in 0..n { let %0 = mul($0, load x[i0]); $0 = %0 }
//! }                                                 store t0 = $0
//!                                                 }
//! ```
//!
//! Two forms. If all that is done in an iteration has a few elements, it is written out, every element a register.
//! If every nest goes over the same elements and keeps to its own, the loop over elements goes outside, and lanes can run along it:
//!
//! ```text
//! repeat i0 in 0..100 {                           for i1 in 0..n parallel {
//!   nest 0 { for i1 in 0..n { store t1[i1] = … } }   var $0 = load t0[i1]
//!   nest 1 { for i2 in 0..n { store t0[i2] = … } }   for i0 in 0..100 { …; $0 = … }
//! }                                                  store t0[i1] = $0
//!                                                 }
//! ```
//!
//! Never here: loops that run until a condition holds, which stay what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::collapse::Replace;
use super::names::Names;
use crate::graph::{Dim, Element, Scalar, Unary};
use crate::loops::control::part;
use crate::loops::visit;
use crate::loops::{
    Address, BufferId, Control, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    VariableId,
};

/// So many expressions are written out, and no more.
const MOST: usize = 3000;
/// So many elements stay in registers; more would go through the stack.
const MOST_REGISTERS: usize = 64;
/// Fewer elements than this are written out rather than walked in lanes.
const FEW: i64 = 8;

/// Rewrites all such loops, outer ones first.
pub(super) fn registers(loops: &mut Loops) {
    let mut names = Names::of(loops);
    let mut position = 0;
    while position < loops.nests.len() {
        let repeats = matches!(loops.nests[position].control, Some(Control::Repeat { .. }));
        let end = part(&loops.nests, position).filter(|_| repeats);
        if let Some((_, end)) = end
            && let Some(nest) = joined(loops, &mut names, position..=end)
        {
            loops.nests.splice(position..=end, [nest]);
        }
        position += 1;
    }
}

/// The nest that stands for a loop.
fn joined(loops: &Loops, names: &mut Names, part: RangeInclusive<usize>) -> Option<Nest> {
    let region = Region::of(loops, &part);
    let nests = &loops.nests[part];
    if let Some((shared, body)) = over_elements(nests, names)
        && let Some(nest) = region.nest(loops, names, (Some(shared), body))
    {
        return Some(nest);
    }
    let body = assembled(nests, names)?;
    region.nest(loops, names, (None, body))
}

/// Markers and nests as statements, where all markers can be such.
pub(super) fn assembled(nests: &[Nest], names: &mut Names) -> Option<Vec<Statement>> {
    let (mut body, mut position) = (Vec::new(), 0);
    while position < nests.len() {
        let nest = &nests[position];
        match &nest.control {
            None => body.extend(nest.body.iter().cloned()),
            Some(Control::Repeat { variable, extent }) => {
                let (_, end) = part(nests, position)?;
                let inside = assembled(&nests[position + 1..end], names)?;
                body.push(counted(*variable, extent.clone(), inside));
                position = end;
            }
            Some(Control::If { condition }) => {
                let (otherwise, end) = part(nests, position)?;
                let then = assembled(&nests[position + 1..otherwise.unwrap_or(end)], names)?;
                let (value, element) = (names.value(), Element::Bool);
                let expr = Expr::Load(*condition, Box::default());
                body.push(Statement::Let { value, element, expr });
                let holds = Expr::Value(value);
                body.push(Statement::If { condition: holds.clone(), body: then });
                if let Some(otherwise) = otherwise {
                    let inside = assembled(&nests[otherwise + 1..end], names)?;
                    let condition = Expr::Unary(Unary::Not, Box::new(holds));
                    body.push(Statement::If { condition, body: inside });
                }
                position = end;
            }
            Some(
                Control::Loop { .. }
                | Control::Leave { .. }
                | Control::Else
                | Control::End
                | Control::Inspect { .. },
            ) => return None,
        }
        position += 1;
    }
    Some(body)
}

fn counted(variable: VariableId, extent: Dim, body: Vec<Statement>) -> Statement {
    Statement::For(For { variable, extent, clip: None, manner: Manner::Serial, body })
}

/// The loop over elements that all nests have, and what is done for each of them.
fn over_elements(nests: &[Nest], names: &mut Names) -> Option<(For, Vec<Statement>)> {
    let mut own: Vec<Nest> = Vec::new();
    let mut shared: Option<For> = None;
    for nest in nests {
        if nest.control.is_some() {
            own.push(nest.clone());
            continue;
        }
        let [Statement::For(elements)] = nest.body.as_slice() else { return None };
        if elements.manner != Manner::Parallel || elements.clip.is_some() {
            return None;
        }
        let common = shared.get_or_insert_with(|| For {
            variable: names.variable(),
            body: Vec::new(),
            ..elements.clone()
        });
        if common.extent != elements.extent {
            return None;
        }
        let terms = vec![(common.variable, Dim::from(1))];
        let same = Replace { variable: elements.variable, constant: Dim::default(), terms };
        let body = elements.body.iter().map(|it| visit::rename_statement(it, &same));
        own.push(Nest::new(body.collect()));
    }
    let shared = shared.filter(|it| it.extent.as_constant().is_none_or(|extent| extent >= FEW))?;
    let is_choice = |nest: &Nest| matches!(nest.control, Some(Control::If { .. }));
    if own.iter().any(is_choice) {
        return None;
    }
    Some((shared, assembled(&own, names)?))
}

/// What is known of a loop.
struct Region {
    /// What is touched outside of it too.
    outside: BTreeSet<BufferId>,
    /// The variables of the loops that stay.
    kept: BTreeSet<VariableId>,
}

/// Where an element of a buffer is: the buffer, and which one of those that belong to an iteration.
type Place = (BufferId, i64);

impl Region {
    fn of(loops: &Loops, part: &RangeInclusive<usize>) -> Self {
        let mut outside = BTreeSet::new();
        for (position, nest) in loops.nests.iter().enumerate() {
            if !part.contains(&position) {
                nest.buffers(&mut |buffer| {
                    outside.insert(buffer);
                });
            }
        }
        let inside = loops.nests[part.clone()].iter();
        let kept = inside.filter_map(|nest| nest.control.as_ref()?.variable()).collect();
        Self { outside, kept }
    }

    fn nest(
        &self,
        loops: &Loops,
        names: &mut Names,
        (shared, body): (Option<For>, Vec<Statement>),
    ) -> Option<Nest> {
        let mut room = MOST;
        if !self.fits(&body, 1, &mut room) {
            return None;
        }
        let body = self.written_out(body, names);
        let along = shared.as_ref().map(|shared| shared.variable);
        let places = places(&body, along)?;
        let own = |buffer: &BufferId| {
            let space = &loops.buffers[*buffer].space;
            matches!(space, Space::Workspace(_) | Space::Private(_))
                && !self.outside.contains(buffer)
        };
        let (mut declared, mut stored) = (Vec::new(), Vec::new());
        let mut known: BTreeMap<Place, RegisterId> = BTreeMap::new();
        for ((buffer, part), address) in &places {
            let (register, element) = (names.register(), loops.buffers[*buffer].element);
            let is_own = own(buffer);
            let initial = match is_own {
                true => zero(element),
                false => Expr::Load(*buffer, Box::new(address.clone())),
            };
            declared.push(Statement::Declare { register, element, lanes: 1, initial });
            if !is_own {
                let (buffer, address) = (*buffer, address.clone());
                stored.push(Statement::Store { buffer, address, expr: Expr::Register(register) });
            }
            known.insert((*buffer, *part), register);
        }
        let rewriting = Rewriting { known, along };
        let body = body.iter().map(|statement| rewriting.statement(statement));
        let all = declared.into_iter().chain(body).chain(stored).collect();
        Some(Nest::new(match shared {
            Some(shared) => vec![Statement::For(For { body: all, ..shared })],
            None => all,
        }))
    }

    /// Whether everything can be written out with so much room.
    fn fits(&self, body: &[Statement], times: usize, room: &mut usize) -> bool {
        body.iter().all(|statement| {
            let mut size = 1;
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |_| size += 1);
            });
            let left = room.checked_sub(size * times);
            let inside = match statement {
                Statement::For(inner) if self.kept.contains(&inner.variable) => Some(times),
                // Lanes that a scan has already are its order of additions.
                Statement::For(For { manner: Manner::Lanes(_), .. }) => None,
                Statement::For(inner) => match (inner.extent.as_constant(), &inner.clip) {
                    (Some(extent), None) => {
                        usize::try_from(extent).ok().and_then(|count| count.checked_mul(times))
                    }
                    _ => None,
                },
                Statement::Sync
                | Statement::Mma(_)
                | Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. }
                | Statement::If { .. } => Some(times),
            };
            let (Some(left), Some(inside)) = (left, inside) else { return false };
            *room = left;
            self.fits(visit::body(statement), inside, room)
        })
    }

    /// Every loop but those that stay is written out.
    fn written_out(&self, body: Vec<Statement>, names: &mut Names) -> Vec<Statement> {
        let mut out = Vec::new();
        for statement in body {
            match statement {
                Statement::For(inner) => {
                    let body = self.written_out(inner.body, names);
                    if self.kept.contains(&inner.variable) {
                        out.push(Statement::For(For { body, ..inner }));
                        continue;
                    }
                    for iteration in 0..inner.extent.as_constant().unwrap_or_default() {
                        let (variable, constant) = (inner.variable, Dim::from(iteration));
                        let here = Replace { variable, constant, terms: Vec::new() };
                        let body: Vec<Statement> =
                            body.iter().map(|it| visit::rename_statement(it, &here)).collect();
                        out.extend(names.copy(&body));
                    }
                }
                Statement::If { condition, body } => {
                    out.push(Statement::If { condition, body: self.written_out(body, names) });
                }
                other @ (Statement::Sync
                | Statement::Mma(_)
                | Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. }) => out.push(other),
            }
        }
        out
    }
}

fn zero(element: Element) -> Expr {
    Expr::Constant(Scalar::from_i64(element, 0))
}

/// The elements that are stored, each with its address; none if one of them cannot be told apart from others.
/// What is only stored and never loaded may go anywhere, and stays in memory.
fn places(body: &[Statement], along: Option<VariableId>) -> Option<BTreeMap<Place, Address>> {
    let (mut stored, mut loaded) = (BTreeSet::new(), BTreeSet::new());
    visit::addresses(body, &mut |buffer, _, written| {
        let touched = if written { &mut stored } else { &mut loaded };
        touched.insert(buffer);
    });
    let mut places = BTreeMap::new();
    let mut steps: BTreeMap<BufferId, i64> = BTreeMap::new();
    let (mut lost, mut anywhere) = (BTreeSet::new(), BTreeSet::new());
    visit::addresses(body, &mut |buffer, address, _| {
        if !stored.contains(&buffer) {
            return;
        }
        let Some((part, step)) = element(address, along) else {
            anywhere.insert(buffer);
            return;
        };
        let is_apart = along.is_none() || (0..step).contains(&part);
        if !is_apart || *steps.entry(buffer).or_insert(step) != step {
            lost.insert(buffer);
        }
        places.insert((buffer, part), address.clone());
    });
    let is_read = |buffer: &BufferId| loaded.contains(buffer);
    if lost.iter().chain(&anywhere).any(is_read) || !lost.is_empty() {
        return None;
    }
    places.retain(|(buffer, _), _| !anywhere.contains(buffer));
    (!places.is_empty() && places.len() <= MOST_REGISTERS).then_some(places)
}

/// Which of the elements of an iteration an address names, and how many there are.
fn element(address: &Address, along: Option<VariableId>) -> Option<(i64, i64)> {
    let part = address.constant.as_constant().filter(|_| address.computed.is_empty())?;
    match (along, address.terms.as_slice()) {
        (None, []) => Some((part, 1)),
        (Some(along), [(variable, step)]) if *variable == along => {
            Some((part, step.as_constant()?))
        }
        _ => None,
    }
}

/// Loads and stores of elements become reads and changes of registers.
struct Rewriting {
    known: BTreeMap<Place, RegisterId>,
    along: Option<VariableId>,
}

impl Rewriting {
    fn register(&self, buffer: BufferId, address: &Address) -> Option<RegisterId> {
        let (part, _) = element(address, self.along)?;
        self.known.get(&(buffer, part)).copied()
    }

    fn statement(&self, statement: &Statement) -> Statement {
        let all = |body: &[Statement]| body.iter().map(|it| self.statement(it)).collect();
        match statement {
            Statement::For(inner) => {
                Statement::For(For { body: all(&inner.body), ..inner.clone() })
            }
            Statement::Let { value, element, expr } => {
                Statement::Let { value: *value, element: *element, expr: self.expr(expr) }
            }
            Statement::Declare { register, element, lanes, initial } => Statement::Declare {
                register: *register,
                element: *element,
                lanes: *lanes,
                initial: self.expr(initial),
            },
            Statement::Set { register, expr } => {
                Statement::Set { register: *register, expr: self.expr(expr) }
            }
            Statement::Store { buffer, address, expr } => {
                let expr = self.expr(expr);
                match self.register(*buffer, address) {
                    Some(register) => Statement::Set { register, expr },
                    None => {
                        Statement::Store { buffer: *buffer, address: self.address(address), expr }
                    }
                }
            }
            Statement::If { condition, body } => {
                Statement::If { condition: self.expr(condition), body: all(body) }
            }
            Statement::Mma(mma) => Statement::Mma(mma.with(&|expr| self.expr(expr))),
            Statement::Sync => Statement::Sync,
        }
    }

    fn address(&self, address: &Address) -> Address {
        let computed = address.computed.iter();
        let computed = computed.map(|(expr, by)| (self.expr(expr), by.clone())).collect();
        Address { computed, ..address.clone() }
    }

    fn expr(&self, expr: &Expr) -> Expr {
        visit::replaced(expr, &mut |expr| {
            let Expr::Load(buffer, address) = expr else { return None };
            self.register(*buffer, address).map(Expr::Register)
        })
    }
}
