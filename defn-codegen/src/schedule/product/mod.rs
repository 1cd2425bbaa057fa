//! Matrix products: several rows at a time, and panels of the operand that the rows share.
//!
//! A loop over rows around lanes that hold a reduction is a product, however it was written: with batches, several contracted axes,
//! an operand that is computed on the way, or an epilogue.
//!
//! ```text
//! before                                      after, where the right operand is small
//! for i in 0..n parallel {                    for t in 0..floor((n + 5) / 6) parallel {
//!   for j in 0..m lanes 32 {                    for g in 0..floor((m + 255) / 256) parallel {
//!     var $0: f32 = 0.0                           if t < floor(n / 6) { for j in block g lanes 64 { six rows in lockstep } }
//!     for k in 0..l {                             if t >= floor(n / 6) { the other rows, 2 or 1 at a time }
//!       let %0 = load a[l*i + k]              } }
//!       let %1 = load b[m*k + j]
//!       $0 = fma(%0, %1, $0)                  and where it is large
//!     }                                       for j in 0..m lanes 64 {
//!     store r[m*i + j] = $0                     for k in 0..l { panel[k] = load b[m*k + j] }
//!   }                                           for t … parallel { all rows, six in lockstep, with the panel for b }
//! }                                           }
//! ```
//!
//! Every element is computed as before, so the bits stay whatever the level, the tile and the panel are.
//! Both forms are written if the extents are known only when the function is called.

pub(super) mod tile;
mod panel;
mod packed;
mod flat;
mod left;

use std::collections::BTreeSet;

use super::names::{Choice, Names, choice};
use crate::arena::Arena;
use crate::graph::{Binary, Comparison, Dim};
use crate::loops::{Buffer, BufferId, Expr, For, Loops, Manner, Nest, Statement};
use crate::loops::{ask, visit};
use crate::options::{Level, Sizes};

/// Schedules all products.
pub(super) fn products(loops: &mut Loops, level: Level, sizes: Sizes) {
    let mut names = Names::of(loops);
    let nests = std::mem::take(&mut loops.nests);
    for nest in nests {
        if nest.control.is_some() {
            loops.nests.push(nest);
            continue;
        }
        let mut written = BTreeSet::new();
        visit::addresses(&nest.body, &mut |buffer, _, is_written| {
            if is_written {
                written.insert(buffer);
            }
        });
        let mut target = Target {
            level,
            sizes,
            buffers: &mut loops.buffers,
            names: &mut names,
            written,
            front: Vec::new(),
            around: Vec::new(),
            conditions: Vec::new(),
        };
        let body = target.block(nest.body);
        loops.nests.append(&mut target.front);
        loops.nests.extend(apart(body));
    }
}

/// One nest for each form of a nest, so that each has one outermost loop.
pub(super) fn apart(body: Vec<Statement>) -> Vec<Nest> {
    let mut forms = Vec::new();
    if body.iter().all(|statement| matches!(statement, Statement::If { .. })) {
        forms_of(body, None, &mut forms);
    } else {
        forms.push(body);
    }
    forms.into_iter().map(Nest::new).collect()
}

/// Conditions around nothing but conditions become one each.
fn forms_of(body: Vec<Statement>, around: Option<&Expr>, forms: &mut Vec<Vec<Statement>>) {
    for statement in body {
        let Statement::If { condition, body } = statement else { continue };
        let condition = around.map_or(condition.clone(), |around| both(around, &condition));
        if body.iter().all(|inner| matches!(inner, Statement::If { .. })) {
            forms_of(body, Some(&condition), forms);
        } else {
            forms.push(vec![Statement::If { condition, body }]);
        }
    }
}

fn both(left: &Expr, right: &Expr) -> Expr {
    Expr::Binary(Binary::And, Box::new(left.clone()), Box::new(right.clone()))
}

/// What the products of a function share.
struct Target<'l> {
    level: Level,
    sizes: Sizes,
    buffers: &'l mut Arena<Buffer>,
    names: &'l mut Names,
    /// What the nest writes.
    written: BTreeSet<BufferId>,
    /// What is done before the nest.
    front: Vec<Nest>,
    /// The loops around the one that is looked at, without bodies.
    around: Vec<For>,
    /// The conditions around.
    conditions: Vec<Expr>,
}

impl Target<'_> {
    fn block(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                Statement::For(mut inner) => match self.product(&inner) {
                    Some(forms) => out.extend(forms),
                    None => {
                        self.around.push(For { body: Vec::new(), ..inner.clone() });
                        inner.body = self.block(inner.body);
                        self.around.pop();
                        out.push(Statement::For(inner));
                    }
                },
                Statement::If { condition, body } => {
                    self.conditions.push(condition.clone());
                    out.push(Statement::If { condition, body: self.block(body) });
                    self.conditions.pop();
                }
                Statement::Sync
                | Statement::Mma(_)
                | Statement::Let { .. }
                | Statement::Declare { .. }
                | Statement::Set { .. }
                | Statement::Store { .. } => {
                    out.push(statement);
                }
            }
        }
        out
    }

    /// With panels, without, or both with a choice by the extents; none if the loop does not stand around a product,
    /// or around more of it than its rows.
    fn product(&mut self, outer: &For) -> Option<Vec<Statement>> {
        let mut around = vec![];
        let mut rows = outer;
        let product = loop {
            if let Some(product) = Product::of(rows, self.buffers, self.level) {
                break product;
            }
            let [Statement::For(inner)] = rows.body.as_slice() else { return None };
            if rows.manner != Manner::Parallel || rows.clip.is_some() {
                return None;
            }
            around.push(rows);
            rows = inner;
        };
        let count = self.rows_at_a_time(&product);
        if product.rows.clip.is_some() {
            if !around.is_empty() {
                return None;
            }
            let panels = panel::Panels::of(&product);
            let packed = panels.and_then(|panels| packed::packed(&panels, &product, count, self));
            return Some(vec![
                packed.unwrap_or_else(|| tile::by_rows(&product, count, self.names)),
            ]);
        }
        let Some(panels) = panel::Panels::of(&product) else {
            return around.is_empty().then(|| self.in_place(&product, count));
        };
        if around.iter().any(|it| panels.depend_on(it.variable)) {
            return None;
        }
        let in_place = |target: &mut Self| {
            let inside = |body, it: &&For| vec![Statement::For(For { body, ..(*it).clone() })];
            let within = |tiles| around.iter().rev().fold(tiles, inside);
            let mut forms = Vec::new();
            for form in target.in_place(&product, count) {
                let form = if let Statement::If { condition, body } = form {
                    Statement::If { condition, body: within(body) }
                } else {
                    within(vec![form]).remove(0)
                };
                // Each form has loops around of its own.
                forms.extend(target.names.copy(&[form]));
            }
            forms
        };
        Some(match panels.pay((&around, &product), count, self) {
            Choice::Never => in_place(self),
            Choice::Always => vec![self.large((&around, &product), &panels, None)],
            Choice::If(pays, not) => {
                let large = self.large((&around, &product), &panels, Some(&pays));
                let small = in_place(self);
                let small = self.names.copy(&small);
                vec![
                    Statement::If { condition: pays, body: vec![large] },
                    Statement::If { condition: not, body: small },
                ]
            }
        })
    }

    /// All columns, with panels; a left operand that lies column by column is turned first, if the product is a nest.
    fn large(
        &mut self,
        (around, product): (&[&For], &Product<'_>),
        panels: &panel::Panels<'_>,
        pays: Option<&Expr>,
    ) -> Statement {
        let count = self.rows_at_a_time(product);
        let left = left::Left::of((around, product), &panels.reduction);
        let is_known = self.conditions.iter().all(ask::is_of_extents);
        if let Some(left) = left.filter(|left| {
            self.around.is_empty() && is_known && !self.written.contains(&left.buffer)
        }) {
            let conditions = self.conditions.iter().chain(pays).cloned();
            let pays = conditions.reduce(|all, condition| both(&all, &condition));
            let rows = left.turn(pays, product.rows, self);
            let turned = Product::of(&rows, self.buffers, self.level);
            let panels = turned.as_ref().and_then(panel::Panels::of);
            if let (Some(turned), Some(panels)) = (turned, panels) {
                return self.with_panels((around, &turned), &panels, count);
            }
        }
        self.with_panels((around, product), panels, count)
    }

    /// All columns, with panels that all workers share, or with one of each worker.
    fn with_panels(
        &mut self,
        (around, product): (&[&For], &Product<'_>),
        panels: &panel::Panels<'_>,
        count: i64,
    ) -> Statement {
        if !panels.gathers(product) || !packed::are_for_all(panels, self) {
            return panels.write((around, product), count, self);
        }
        let divides = product.rows.extent.as_constant().is_some_and(|rows| rows % count == 0);
        if let Some((last, others)) = around.split_last()
            && !divides
            && count <= FLAT_ROWS
            && let Some(rows) = flat::flat(last, product.rows, self.names)
            && let Some(flat) = Product::of(&rows, self.buffers, self.level)
            && let Some(panels) = panel::Panels::of(&flat)
        {
            let count = self.rows_at_a_time(&flat);
            return packed::for_all(&panels, (others, &flat), count, self);
        }
        packed::for_all(panels, (around, product), count, self)
    }

    /// All rows, with the right operand where it is: in narrow tiles if there are few columns.
    fn in_place(&mut self, product: &Product<'_>, count: i64) -> Vec<Statement> {
        let width = self.level.register_bytes() / product.size.max(1);
        let narrow = Product { width, ..*product };
        let rows = even(NARROW_ROWS, product);
        let few = (product.lanes.extent.clone(), Comparison::Le, i64::from(width));
        match choice(&[few], &self.conditions) {
            Choice::Never => vec![tile::by_rows(product, count, self.names)],
            Choice::Always => vec![tile::few_columns(&narrow, rows, self.names)],
            Choice::If(few, many) => {
                let few_columns = tile::few_columns(&narrow, rows, self.names);
                let many_columns = tile::by_rows(product, count, self.names);
                let many_columns = self.names.copy(&[many_columns]);
                vec![
                    Statement::If { condition: few, body: vec![few_columns] },
                    Statement::If { condition: many, body: many_columns },
                ]
            }
        }
    }

    /// How many rows pay: as many as have room for their accumulators.
    fn rows_at_a_time(&self, product: &Product<'_>) -> i64 {
        let vectors = (product.width * product.size).div_ceil(self.level.register_bytes()).max(1);
        even(i64::from((accumulators(self.level) / vectors).max(1)), product)
    }
}

/// A known number of rows is divided evenly if that leaves more than half as many at a time.
fn even(rows: i64, product: &Product<'_>) -> i64 {
    let Some(extent) = product.rows.extent.as_constant() else { return rows };
    if product.rows.clip.is_some() {
        // No tile reaches over the end of a stripe.
        return (1..=rows).rev().find(|rows| extent % rows == 0).unwrap_or(1);
    }
    let even = (rows.div_euclid(2) + 1..=rows).rev().find(|rows| extent % rows == 0);
    if extent <= rows { extent.max(1) } else { even.unwrap_or(rows) }
}

/// How many rows a tile of one register of columns has: multiply-adds take four cycles, and two start in each.
const NARROW_ROWS: i64 = 8;

/// How many rows of a tile may lie anywhere: the address of each has a register of its own.
const FLAT_ROWS: i64 = 8;

/// Three quarters of the registers; the others hold the operands.
fn accumulators(level: Level) -> u32 {
    level.registers() * 3 / 4
}

/// How many lanes a tile of a product has. Six rows: so few lie in one set of the first cache, however far apart they are.
/// Every element is added up in a lane of its own, so that the level may choose.
fn tile_width(level: Level, size: u32, columns: &Dim) -> u32 {
    const ROWS: u32 = 6;
    let width = accumulators(level) / ROWS * level.register_bytes() / size.max(1);
    let known = columns.as_constant().and_then(|extent| u32::try_from(extent).ok());
    let needed = known.and_then(u32::checked_next_power_of_two).unwrap_or(width);
    width.min(needed).max(1)
}

/// The loops of a product.
struct Product<'s> {
    rows: &'s For,
    /// Values of the row, for all columns.
    before: &'s [Statement],
    lanes: &'s For,
    /// How many lanes there are now.
    width: u32,
    /// Bytes of the widest element in the reduction.
    size: u32,
}

impl<'s> Product<'s> {
    /// The product that a loop over rows computes.
    fn of(rows: &'s For, buffers: &Arena<Buffer>, level: Level) -> Option<Self> {
        if rows.manner != Manner::Parallel {
            return None;
        }
        let (Statement::For(lanes), before) = rows.body.split_last()? else { return None };
        let Manner::Lanes(_) = lanes.manner else { return None };
        if lanes.clip.is_some() {
            return None;
        }
        if !before.iter().all(|statement| matches!(statement, Statement::Let { .. })) {
            return None;
        }
        let mut size = 0;
        let mut shares = false;
        // Rows that use scratch one after the other stay apart.
        let mut keeps = false;
        visit::addresses(&lanes.body, &mut |_, address, written| {
            keeps |= written && address.coefficient(rows.variable).is(0);
        });
        visit::statements(&lanes.body, &mut |statement| {
            let Statement::For(reduction) = statement else { return };
            visit::addresses(&reduction.body, &mut |buffer, address, written| {
                size = size.max(buffers[buffer].element.size() as u32);
                shares |= !written
                    && address.coefficient(rows.variable).is(0)
                    && !address.coefficient(lanes.variable).is(0);
            });
        });
        let width = tile_width(level, size, &lanes.extent);
        (shares && !keeps).then_some(Self { rows, before, lanes, width, size })
    }
}
