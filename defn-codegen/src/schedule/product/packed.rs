//! Panels for all stripes, or for all workers: copied once, in a nest of their own in front of the one that goes through the stripes.
//!
//! ```text
//! before                                              after
//! for h { for t {                                     nest: for h { for g { for j in 0..min(64, m - 64*g) lanes 64 {
//!   for i in 0..min(48, n - 48*t) {                           for d { store p[h, g, d, j] = load k[h, 64*g + j, d] } } } }
//!     for j in 0..m lanes 64 {
//!       var $0 = 0.0                                  for h { for t {
//!       for d { … load k[h, j, d] … }                   for g { for i in 0..min(48, n - 48*t) {
//!       store s[i, j] = $0                                for j in 0..min(64, m - 64*g) lanes 64 {
//! } } } }                                                   var $0 = 0.0
//!                                                           for d { … load p[h, g, d, j] … }
//!                                                           store s[i, 64*g + j] = $0
//!                                                     } } } } }
//! ```
//!
//! All stripes of all workers read the same panels. So do all workers where columns lie apart, and no loop around changes them:
//! copied by each, they would be turned again whenever a worker begins.

use std::collections::{BTreeMap, BTreeSet};

use super::panel::{Panels, drop_unused, note_values};
use super::{Product, Target, tile};
use crate::graph::Dim;
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, Nest, Space, Statement, ValueId, VariableId,
};
use crate::loops::{ask, visit};
use crate::schedule::collapse::{self, Replace};
use crate::schedule::lanes::make_serial;

/// Columns that are copied at a time: turned in registers, more of them would only be more code.
const COPIED: u32 = 16;

/// Where the panels of a product are.
struct Packed<'p, 's> {
    panels: &'p Panels<'s>,
    product: &'p Product<'s>,
    /// The loops around the stripes that the panels depend on.
    batches: Vec<For>,
    group: VariableId,
    lane: VariableId,
    buffers: BTreeMap<ValueId, BufferId>,
}

/// The loop over groups of columns with panels for all stripes; none if what goes into them is known in a stripe only.
pub(super) fn packed(
    panels: &Panels<'_>,
    product: &Product<'_>,
    rows: i64,
    target: &mut Target<'_>,
) -> Option<Statement> {
    if !is_known(panels, target) {
        return None;
    }
    Some(over_panels(panels, (&[], product), (rows, Manner::Serial), target))
}

/// Whether panels can be copied before the nest, for all workers: no loop around changes them.
pub(super) fn are_for_all(panels: &Panels<'_>, target: &Target<'_>) -> bool {
    is_known(panels, target)
        && !target.around.iter().any(|it| panels.depend_on(it.variable))
        && target.conditions.iter().all(ask::is_of_extents)
}

/// The loop over groups of columns, with panels for all workers.
pub(super) fn for_all(
    panels: &Panels<'_>,
    (around, product): (&[&For], &Product<'_>),
    rows: i64,
    target: &mut Target<'_>,
) -> Statement {
    over_panels(panels, (around, product), (rows, Manner::Parallel), target)
}

fn over_panels(
    panels: &Panels<'_>,
    (around, product): (&[&For], &Product<'_>),
    (rows, manner): (i64, Manner),
    target: &mut Target<'_>,
) -> Statement {
    let batches: Vec<For> =
        target.around.iter().filter(|it| panels.depend_on(it.variable)).cloned().collect();
    let mut shape: Vec<Dim> = batches.iter().map(|it| it.extent.clone()).collect();
    let width = i64::from(product.width);
    shape.push((product.lanes.extent.clone() + Dim::from(width - 1)).floor_div(&Dim::from(width)));
    shape.push(panels.steps());
    shape.push(Dim::from(width));
    let mut buffers = BTreeMap::new();
    for (value, element) in &panels.packed {
        let (name, element) = (format!("p{}", target.buffers.len()), *element);
        let (shape, space) = (shape.clone(), Space::Workspace(None));
        let buffer = target.buffers.push(Buffer { name, element, shape, lanes: 1, space });
        buffers.insert(*value, buffer);
    }
    let (group, lane) = (target.names.variable(), target.names.variable());
    let packed = Packed { panels, product, batches, group, lane, buffers };
    let copies = target.names.copy(&[packed.copies()]);
    let guarded =
        target.conditions.iter().rev().fold(copies, |body, condition| {
            vec![Statement::If { condition: condition.clone(), body }]
        });
    target.front.push(Nest::new(guarded));
    let (all, lanes) = packed.rows();
    let inside = Product { rows: &all, lanes: &lanes, before: product.before, ..*product };
    let tiles = match manner {
        Manner::Parallel => tile::one_by_one(&inside, rows, target.names),
        Manner::Serial | Manner::Sorted | Manner::Lanes(_) => {
            tile::by_rows(&inside, rows, target.names)
        }
    };
    let within = |body, it: &&For| Statement::For(For { body: vec![body], ..(*it).clone() });
    let body = vec![around.iter().rev().fold(tiles, within)];
    Statement::For(packed.over_groups(manner, body))
}

/// Whether all that goes into the panels is there before the nest begins.
fn is_known(panels: &Panels<'_>, target: &Target<'_>) -> bool {
    let (mut known, mut named, mut used) = (true, BTreeSet::new(), BTreeSet::new());
    for statement in &panels.shared {
        visit::addresses(std::slice::from_ref(*statement), &mut |buffer, _, _| {
            known &= !target.written.contains(&buffer);
        });
        visit::own_expressions(statement, &mut |expr| note_values(expr, &mut used));
        if let Statement::Let { value, .. } = statement {
            named.insert(*value);
        }
    }
    let steps_are_loops = target.around.iter().all(|it| it.clip.is_none());
    known && steps_are_loops && used.is_subset(&named)
}

impl Packed<'_, '_> {
    /// The loop over groups of columns.
    fn over_groups(&self, manner: Manner, body: Vec<Statement>) -> For {
        let width = Dim::from(i64::from(self.product.width));
        let last = width.clone() - Dim::from(1);
        let extent = (self.product.lanes.extent.clone() + last).floor_div(&width);
        For { variable: self.group, extent, clip: None, manner, body }
    }

    /// The loop over the columns of a group, so many at a time.
    fn over_lanes(&self, lanes: u32, body: Vec<Statement>) -> For {
        let width = Dim::from(i64::from(self.product.width));
        let columns = &self.product.lanes.extent;
        let is_even = columns.floor_div(&width) * width.clone() == *columns;
        let mut clip = Address { constant: columns.clone(), ..Address::default() };
        clip.add_term(self.group, &-width.clone());
        let mut terms = vec![(self.group, width.clone()), (self.lane, Dim::from(1))];
        terms.sort_by_key(|(variable, _)| *variable);
        let variable = self.product.lanes.variable;
        let column = Replace { variable, constant: Dim::default(), terms };
        For {
            variable: self.lane,
            extent: width,
            clip: (!is_even).then_some(clip),
            manner: Manner::Lanes(lanes),
            body: body.iter().map(|it| visit::rename_statement(it, &column)).collect(),
        }
    }

    /// The place of a step of the reduction in a panel.
    fn place(&self) -> Address {
        let mut address = Address::default();
        address.add_term(self.lane, &Dim::from(1));
        let mut stride = Dim::from(i64::from(self.product.width));
        for inner in self.panels.reduction.iter().rev() {
            address.add_term(inner.variable, &stride);
            stride = stride * inner.extent.clone();
        }
        address.add_term(self.group, &stride);
        stride = stride * self.over_groups(Manner::Serial, Vec::new()).extent;
        for batch in self.batches.iter().rev() {
            address.add_term(batch.variable, &stride);
            stride = stride * batch.extent.clone();
        }
        address
    }

    /// The loops that fill the panels.
    fn copies(&self) -> Statement {
        let mut body: Vec<Statement> = self.panels.shared.iter().copied().cloned().collect();
        for (value, buffer) in &self.buffers {
            let expr = Expr::Value(*value);
            body.push(Statement::Store { buffer: *buffer, address: self.place(), expr });
        }
        // Steps that lie side by side are one loop, which can be turned in registers.
        for inner in self.panels.reduction.iter().rev() {
            let manner = Manner::Parallel;
            body = vec![Statement::For(For { body, manner, ..(*inner).clone() })];
        }
        let mut body = collapse::block(body);
        make_serial(&mut body);
        let mut whole = self.over_groups(
            Manner::Parallel,
            vec![Statement::For(self.over_lanes(COPIED.min(self.product.width), body))],
        );
        for batch in self.batches.iter().rev() {
            let manner = Manner::Parallel;
            whole = For { body: vec![Statement::For(whole)], manner, ..batch.clone() };
        }
        Statement::For(whole)
    }

    /// The loop over rows, and that over columns in it, with loads of the panels.
    fn rows(&self) -> (For, For) {
        let loads = |statement: &Statement| {
            if let Statement::Let { value, element, expr: _ } = statement
                && let Some(buffer) = self.buffers.get(value)
            {
                let expr = Expr::Load(*buffer, Box::new(self.place()));
                return Statement::Let { value: *value, element: *element, expr };
            }
            statement.clone()
        };
        let reduction = &self.panels.reduction;
        let mut body: Vec<Statement> =
            reduction[reduction.len() - 1].body.iter().map(loads).collect();
        drop_unused(&mut body);
        for inner in reduction.iter().rev() {
            body = vec![Statement::For(For { body, ..(*inner).clone() })];
        }
        let lanes = self.product.lanes.body.iter().map(|statement| {
            if matches!(statement, Statement::For(_)) { body[0].clone() } else { statement.clone() }
        });
        let lanes = self.over_lanes(self.product.width, lanes.collect());
        let all = self.product.before.iter().cloned().chain([Statement::For(lanes.clone())]);
        (For { body: all.collect(), ..self.product.rows.clone() }, lanes)
    }
}
