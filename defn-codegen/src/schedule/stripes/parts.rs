//! Nests that share many rows, part by part: attention on a device.
//!
//! In: nests with rows in common.   Out: the same nests in a loop of the host, over parts of the rows, and once more for the rest.
//!
//! ```text
//! before                                                  after
//! buffer s: f32[h, n, m] = workspace                      buffer s: f32[h, 1023, m] = workspace
//! nest 0 { … for i in 0..n { store s[h, i, j] = … } }     repeat t in 0..floor(n / 512) - 1 {
//! nest 1 { … for i in 0..n { … load s[h, i, j] … } }        nest 0 { … for i in 0..512 { store s[h, i, j] = … } }
//!                                                           nest 1 { … for i in 0..512 { … load s[h, i, j] … } }
//!                                                         }
//!                                                         nest 2 { … for i in 0..the rest { … } }
//!                                                         nest 3 { … }
//! ```
//!
//! A device needs more rows at a time than a stripe of a host has: nests stay apart, so that each is a product in tiles or has rows for all
//! teams, and a part is as many rows as keep the device busy. Every row is computed as before; sums over rows have blocks of one part.
//! The rest is longer than a part, because products of few rows have forms, and orders, of their own.

use std::collections::BTreeMap;

use super::super::names::{Choice, Names, choice};
use super::find::{self, Group, Kept, Kind, Member, Sum};
use super::{again, gather, own_scratch};
use crate::arena::Arena;
use crate::graph::{Binary, Comparison, Dim, Element, Scalar};
use crate::loops::visit::{self, Rename};
use crate::loops::{
    Address, Buffer, BufferId, Control, Expr, For, Loops, Manner, Nest, Space, Statement,
    VariableId,
};
use crate::options::{Sizes, Stripes};

/// Cuts all such nests.
pub(in crate::schedule) fn parts(loops: &mut Loops, sizes: Sizes) {
    let Some(sizes) = sizes.parts else { return };
    let mut names = Names::of(loops);
    let begins = again::again(loops, &mut names, sizes);
    let mut position = 0;
    while position < loops.nests.len() {
        let group = find::group(loops, position, &begins);
        let rows = |group: &Group| (group.rows().clone(), Comparison::Ge, sizes.from);
        let group = group.filter(|group| choice(&[rows(group)], &[]) != Choice::Never);
        let Some(group) = group else {
            position += 1;
            continue;
        };
        gather(loops, &group.positions);
        loops.nests.drain(position..position + group.members.len());
        let cut = Writer { group: &group, sizes, loops, names: &mut names }.all();
        let count = cut.len();
        for (at, mut nest) in cut.into_iter().enumerate() {
            own_scratch(&mut nest, loops);
            loops.nests.insert(position + at, nest);
        }
        position += count;
    }
}

/// Some of the rows.
struct Part {
    /// Which are in front of them.
    start: Address,
    /// How many.
    rows: Dim,
    /// What stands for what is stored between nests.
    kept: BTreeMap<BufferId, BufferId>,
    /// Whether there are others.
    cut: Dim,
}

struct Writer<'w> {
    group: &'w Group,
    sizes: Stripes,
    loops: &'w mut Loops,
    names: &'w mut Names,
}

impl Writer<'_> {
    fn all(&mut self) -> Vec<Nest> {
        let group = self.group;
        let Stripes { from, rows: length } = self.sizes;
        // The longest rest, or all rows if they are not cut.
        let longest = Dim::from(from.max(2 * length) - 1);
        let length = Dim::from(length);
        let rows = group.rows();
        let is_cut = rows.reaches(from);
        let longest = match rows.as_constant() {
            Some(rows) => Dim::from(self.sizes.rows + rows % self.sizes.rows),
            None => longest,
        };
        let whole = (rows.floor_div(&length) - Dim::from(1)) * is_cut.clone();
        let covered = whole.clone() * length.clone();
        let rest = rows.clone() - covered.clone();
        let most = rows.clone() + (longest - rows.clone()) * is_cut.clone();
        let kept = self.scratch(&most);
        let round = self.names.variable();
        let mut start = Address::default();
        start.add_term(round, &length);
        let inside = Part { start, rows: length, kept: kept.clone(), cut: Dim::from(1) };
        let start = Address { constant: covered, ..Address::default() };
        let behind = Part { start, rows: rest, kept, cut: is_cut };
        let totals: Vec<Vec<BufferId>> =
            group.members.iter().map(|member| self.totals(member)).collect();
        let members: Vec<(&Member, &Vec<BufferId>)> = group.members.iter().zip(&totals).collect();
        let mut nests = Vec::new();
        for (member, totals) in &members {
            nests.extend(self.cleared(member, totals));
        }
        nests.push(Nest::marker(Control::Repeat { variable: round, extent: whole }));
        nests.extend(members.iter().map(|(member, totals)| self.within(&inside, member, totals)));
        nests.push(Nest::marker(Control::End));
        nests.extend(members.iter().map(|(member, it)| self.within(&behind, member, it)));
        for (member, totals) in &members {
            nests.extend(self.finished(member, totals));
        }
        nests
    }

    fn batches(&self) -> &[Dim] {
        &self.group.extents[..self.group.extents.len() - 1]
    }

    /// Scratch of so many rows for all that is kept.
    fn scratch(&mut self, rows: &Dim) -> BTreeMap<BufferId, BufferId> {
        let mut scratch = BTreeMap::new();
        for Kept { buffer, row, batches, .. } in &self.group.kept {
            let buffers = &mut self.loops.buffers;
            let shape = batches.iter().cloned().chain([rows.clone(), row.clone()]).collect();
            let element = buffers[*buffer].element;
            scratch.insert(*buffer, temporary(buffers, "s", element, shape));
        }
        scratch
    }

    /// Scratch for what a nest adds up over all rows.
    fn totals(&mut self, member: &Member) -> Vec<BufferId> {
        let Kind::Sum(sum) = &member.kind else { return Vec::new() };
        let around = sum.around.iter().map(|it| it.extent.clone());
        let shape: Vec<Dim> = self.batches().iter().cloned().chain(around).collect();
        let buffers = &mut self.loops.buffers;
        let total = |(_, element): &(_, _)| temporary(buffers, "s", *element, shape.clone());
        sum.registers.iter().map(total).collect()
    }

    /// Where the total of an iteration is.
    fn total(&self, member: &Member, sum: &Sum) -> Address {
        let (mut place, mut step) = (Address::default(), Dim::from(1));
        for inner in sum.around.iter().rev() {
            place.add_term(inner.variable, &step);
            step = step * inner.extent.clone();
        }
        for (variable, extent) in member.variables.iter().zip(self.batches()).rev() {
            place.add_term(*variable, &step);
            step = step * extent.clone();
        }
        place
    }

    /// The nest that clears the totals of another; none if it has none.
    fn cleared(&mut self, member: &Member, totals: &[BufferId]) -> Option<Nest> {
        let Kind::Sum(sum) = &member.kind else { return None };
        let place = self.total(member, sum);
        let clear = totals.iter().zip(&sum.registers).map(|(total, (_, element))| {
            let expr = Expr::Constant(Scalar::from_f64(*element, 0.0));
            Statement::Store { buffer: *total, address: place.clone(), expr }
        });
        let body = clear.collect();
        Some(self.nest(member, nested(&sum.around, body)))
    }

    /// What a nest does for a part of the rows.
    fn within(&mut self, part: &Part, member: &Member, totals: &[BufferId]) -> Nest {
        let Some((row, _)) = member.variables.split_last() else {
            crate::bug!("schedule", "a group has rows")
        };
        let over = |body: Vec<Statement>| {
            let (variable, extent) = (*row, part.rows.clone());
            Statement::For(For { variable, extent, clip: None, manner: Manner::Parallel, body })
        };
        let body = match &member.kind {
            Kind::Each(body) => vec![over(body.clone())],
            Kind::Sum(sum) => {
                let place = self.total(member, sum);
                let mut body = sum.front.clone();
                body.push(over(sum.body.clone()));
                for ((register, element), total) in sum.registers.iter().zip(totals) {
                    let value = self.names.value();
                    let expr = Expr::Load(*total, Box::new(place.clone()));
                    body.push(Statement::Let { value, element: *element, expr });
                    let so_far = Box::new(Expr::Value(value));
                    let next = Box::new(Expr::Register(*register));
                    let expr = Expr::Binary(Binary::Add, so_far, next);
                    let address = place.clone();
                    body.push(Statement::Store { buffer: *total, address, expr });
                }
                nested(&sum.around, body)
            }
        };
        let moved = Moved { part, member, kept: &self.group.kept };
        let body = body.iter().map(|it| visit::rename_statement(it, &moved)).collect();
        Nest { cut: part.cut.clone(), ..self.nest(member, body) }
    }

    /// What is done with the totals.
    fn finished(&mut self, member: &Member, totals: &[BufferId]) -> Option<Nest> {
        let Kind::Sum(sum) = &member.kind else { return None };
        let place = self.total(member, sum);
        let is_value = |it: &&Statement| matches!(it, Statement::Let { .. });
        let mut body = Vec::new();
        for ((register, element), total) in sum.registers.iter().zip(totals) {
            let initial = Expr::Load(*total, Box::new(place.clone()));
            let (register, element) = (*register, *element);
            body.push(Statement::Declare { register, element, lanes: 1, initial });
        }
        body.extend(sum.front.iter().filter(is_value).cloned());
        body.extend(sum.back.iter().cloned());
        Some(self.nest(member, nested(&sum.around, body)))
    }

    /// A body for each batch.
    fn nest(&mut self, member: &Member, mut body: Vec<Statement>) -> Nest {
        for (variable, extent) in member.variables.iter().zip(self.batches()).rev() {
            let (variable, extent) = (*variable, extent.clone());
            let manner = Manner::Parallel;
            body = vec![Statement::For(For { variable, extent, clip: None, manner, body })];
        }
        Nest::new(self.names.copy(&body))
    }
}

fn temporary(
    buffers: &mut Arena<Buffer>,
    name: &str,
    element: Element,
    shape: Vec<Dim>,
) -> BufferId {
    let name = format!("{name}{}", buffers.len());
    buffers.push(Buffer { name, element, shape, lanes: 1, space: Space::Workspace(None) })
}

/// Loops around a body.
fn nested(around: &[For], mut body: Vec<Statement>) -> Vec<Statement> {
    for outer in around.iter().rev() {
        body = vec![Statement::For(For { body, ..outer.clone() })];
    }
    body
}

/// Statements of a nest for a part of its rows. Batches and rows keep their names.
struct Moved<'m> {
    part: &'m Part,
    member: &'m Member,
    kept: &'m [Kept],
}

impl Rename for Moved<'_> {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        if self.member.variables.last() != Some(&variable) {
            return None;
        }
        let mut terms = self.part.start.terms.clone();
        terms.push((variable, Dim::from(1)));
        terms.sort_by_key(|(variable, _)| *variable);
        Some((self.part.start.constant.clone(), terms))
    }

    fn place(&self, buffer: BufferId, address: &Address) -> Option<(BufferId, Address)> {
        let to = self.part.kept.get(&buffer)?;
        let kept = self.kept.iter().find(|it| it.buffer == buffer)?;
        let mut place = Address::default();
        for (variable, coefficient) in &address.terms {
            if !self.member.variables.contains(variable) {
                place.add_term(*variable, coefficient);
            }
        }
        let mut step = kept.row.clone();
        let extents: Vec<&Dim> = kept.batches.iter().chain([&self.part.rows]).collect();
        for (variable, extent) in self.member.variables.iter().zip(extents).rev() {
            place.add_term(*variable, &step);
            step = step * extent.clone();
        }
        Some((*to, place))
    }
}
