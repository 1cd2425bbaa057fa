//! Panels: the operand that all rows share, copied once for each group of columns, in the order in which it is read.
//!
//! ```text
//! before                                   after
//! for i in 0..n parallel {                 for j in 0..m lanes 32 {
//!   for j in 0..m lanes 32 {                 for k in 0..l { panel[k] = load b[m*k + j] }
//!     var $0: f32 = 0.0                      for i in 0..n {
//!     for k in 0..l {                          var $0: f32 = 0.0
//!       let %0 = load a[l*i + k]               for k in 0..l {
//!       let %1 = load b[m*k + j]                 let %0 = load a[l*i + k]
//!       $0 = fma(%0, %1, $0)                     let %1 = load panel[k]
//!     }                                          $0 = fma(%0, %1, $0)
//!     store r[m*i + j] = $0                    }
//!   }                                          store r[m*i + j] = $0
//! }                                        } }
//! ```
//!
//! Where the operand lies row by row, the first tile of rows reads it in place and stores the panel on the way,
//! which costs nothing beside its arithmetic; where its columns are apart, the copy turns it in blocks,
//! and is made [for all workers](super::packed) unless a loop around changes it.
//!
//! Whatever is computed from positions in the reduction and the columns alone stands in the panel,
//! so that a cast or a function of the operand is computed once for all rows.
//! A panel has one part for each lane and is private to the worker. Where it is copied, the rows stay parallel:
//! where there are few groups of columns, workers share a group, and each has a copy of the panel.

use std::collections::{BTreeMap, BTreeSet};

use super::{Product, Target, tile};
use crate::graph::{Comparison, Dim, Element};
use crate::loops::{
    Address, Buffer, BufferId, Expr, For, Manner, Space, Statement, ValueId, VariableId,
};
use crate::loops::{ask, visit};
use crate::schedule::names::{Choice, Fresh, Names, choice, is_below};

/// A panel of more steps than this would not stay in a cache of the third level.
const LONGEST: i64 = 1 << 16;
/// What goes into panels.
pub(super) struct Panels<'s> {
    /// The loops of the reduction, outermost first.
    pub(super) reduction: Vec<&'s For>,
    /// The values that are computed from the reduction and the columns alone, in order.
    pub(super) shared: Vec<&'s Statement>,
    /// Those of them that the rows use.
    pub(super) packed: Vec<(ValueId, Element)>,
}

impl<'s> Panels<'s> {
    /// The panels of a product; none if its reduction is not one nest of loops whose operands are named.
    pub(super) fn of(product: &Product<'s>) -> Option<Self> {
        let reduction = reduction(product.lanes)?;
        let body = &reduction[reduction.len() - 1].body;
        let mut known = Known {
            rows: product.rows.variable,
            columns: product.lanes.variable,
            values: BTreeMap::new(),
        };
        for statement in product.before.iter().chain(&product.lanes.body) {
            if let Statement::Let { value, .. } = statement {
                known.values.insert(*value, None);
            }
        }
        let mut shared = Vec::new();
        let mut packed = Vec::new();
        let mut used = BTreeSet::new();
        for statement in body {
            match statement {
                Statement::Let { value, element, expr } => {
                    let reads_columns = known.of(expr);
                    known.values.insert(*value, reads_columns);
                    match reads_columns {
                        None => note_values(expr, &mut used),
                        Some(reads_columns) => {
                            shared.push(statement);
                            if reads_columns {
                                packed.push((*value, *element));
                            }
                        }
                    }
                }
                Statement::Set { register: _, expr } => note_values(expr, &mut used),
                Statement::For(_)
                | Statement::Declare { .. }
                | Statement::Store { .. }
                | Statement::If { .. }
                | Statement::Sync
                | Statement::Mma(_) => {}
            }
        }
        packed.retain(|(value, _)| used.contains(value));
        (!packed.is_empty()).then_some(Self { reduction, shared, packed })
    }

    /// How many steps the reduction has.
    pub(super) fn steps(&self) -> Dim {
        self.reduction.iter().fold(Dim::from(1), |steps, inner| steps * inner.extent.clone())
    }

    /// When the panels are worth their copies.
    pub(super) fn pay(
        &self,
        (around, product): (&[&For], &Product<'_>),
        count: i64,
        target: &Target<'_>,
    ) -> Choice {
        let sizes = target.sizes;
        // Columns that do not lie side by side would be gathered again for every tile of rows.
        if self.gathers(product) {
            return Choice::Always;
        }
        let bytes = self.packed.iter().map(|(_, element)| element.size() as i64).sum::<i64>();
        let size = self.steps() * product.lanes.extent.clone() * Dim::from(bytes);
        let rows =
            around.iter().fold(product.rows.extent.clone(), |rows, it| rows * it.extent.clone());
        let least = sizes.panel_rows.max(count);
        // Where rows are known to be few, panels are not worth their code.
        if rows.as_constant().is_none() && is_below(&rows, 2 * least, &target.conditions) {
            return Choice::Never;
        }
        let bounds = [
            (size, Comparison::Ge, sizes.panel_bytes),
            (rows, Comparison::Ge, least),
            (self.steps(), Comparison::Le, LONGEST),
        ];
        choice(&bounds, &target.conditions)
    }

    /// Whether the first tile of rows stores the panels.
    fn is_stored_on_the_way(&self, (around, product): (&[&For], &Product<'_>)) -> bool {
        around.is_empty() && !self.gathers(product)
    }

    /// Whether what goes into the panels changes with a loop.
    pub(super) fn depend_on(&self, variable: VariableId) -> bool {
        let mut depends = false;
        let mut terms = |terms: &[(VariableId, Dim)]| {
            depends |= terms.iter().any(|(candidate, _)| *candidate == variable);
        };
        for statement in &self.shared {
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| match expr {
                    Expr::Position { constant: _, terms: all } => terms(all),
                    Expr::Load(_, address) => terms(&address.terms),
                    Expr::Constant(_)
                    | Expr::Value(_)
                    | Expr::Register(_)
                    | Expr::Combine(..)
                    | Expr::Unary(..)
                    | Expr::Bits(_)
                    | Expr::Shift { .. }
                    | Expr::Binary(..)
                    | Expr::Compare(..)
                    | Expr::Select(..)
                    | Expr::MultiplyAdd(..)
                    | Expr::Convert(..) => {}
                });
            });
        }
        depends
    }

    /// Whether what goes into the panels is loaded from columns that are apart.
    pub(super) fn gathers(&self, product: &Product<'_>) -> bool {
        let mut gathers = false;
        for statement in &self.shared {
            visit::addresses(std::slice::from_ref(*statement), &mut |_, address, _| {
                let step = address.coefficient(product.lanes.variable);
                gathers |= !step.is(0) && !step.is(1);
            });
        }
        gathers
    }

    /// The loop over groups of columns: copies, then all rows.
    pub(super) fn write(
        &self,
        (around, product): (&[&For], &Product<'_>),
        rows: i64,
        target: &mut Target<'_>,
    ) -> Statement {
        let panels: Vec<BufferId> =
            self.packed.iter().map(|(_, element)| self.panel(*element, product, target)).collect();
        let columns = target.names.variable();
        let body = if self.is_stored_on_the_way((around, product)) {
            let first = self.rows(product, (columns, &panels), Panel::Stored);
            let others = self.rows(product, (columns, &panels), Panel::Read);
            let inside = Product { rows: &others, ..*product };
            tile::behind_first(&inside, &first, rows, target.names)
        } else {
            let copies = self.copies(product, (columns, &panels), target.names);
            let inner = self.rows(product, (columns, &panels), Panel::Read);
            let tiles = tile::one_by_one(&Product { rows: &inner, ..*product }, rows, target.names);
            let inside =
                |body, it: &&For| Statement::For(For { body: vec![body], ..(*it).clone() });
            vec![copies, around.iter().rev().fold(tiles, inside)]
        };
        Statement::For(For {
            variable: columns,
            extent: product.lanes.extent.clone(),
            clip: None,
            manner: Manner::Lanes(product.width),
            body,
        })
    }

    fn panel(&self, element: Element, product: &Product<'_>, target: &mut Target<'_>) -> BufferId {
        let name = format!("p{}", target.buffers.len());
        let shape = self.reduction.iter().map(|inner| inner.extent.clone()).collect();
        target.buffers.push(Buffer {
            name,
            element,
            shape,
            lanes: product.width,
            space: Space::Private(None),
        })
    }

    /// The place in a panel of a step of the reduction.
    fn place(&self, variable: impl Fn(usize) -> VariableId) -> Address {
        let mut address = Address::default();
        let mut stride = Dim::from(1);
        for (position, inner) in self.reduction.iter().enumerate().rev() {
            address.add_term(variable(position), &stride);
            stride = stride * inner.extent.clone();
        }
        address
    }

    /// The loops that fill the panels.
    fn copies(
        &self,
        product: &Product<'_>,
        (columns, panels): (VariableId, &[BufferId]),
        names: &mut Names,
    ) -> Statement {
        let mut fresh = Fresh::default();
        fresh.variables.insert(product.lanes.variable, columns);
        let variables: Vec<VariableId> = self.reduction.iter().map(|_| names.variable()).collect();
        for (inner, variable) in self.reduction.iter().zip(&variables) {
            fresh.variables.insert(inner.variable, *variable);
        }
        for statement in &self.shared {
            if let Statement::Let { value, .. } = statement {
                fresh.values.insert(*value, names.value());
            }
        }
        let mut body: Vec<Statement> = self
            .shared
            .iter()
            .map(|statement| visit::rename_statement(statement, &fresh))
            .collect();
        for ((value, _), panel) in self.packed.iter().zip(panels) {
            body.push(Statement::Store {
                buffer: *panel,
                address: self.place(|position| variables[position]),
                expr: Expr::Value(fresh.values[value]),
            });
        }
        for (inner, variable) in self.reduction.iter().zip(variables).rev() {
            let extent = inner.extent.clone();
            body = vec![Statement::For(For {
                variable,
                extent,
                clip: None,
                manner: Manner::Serial,
                body,
            })];
        }
        body.remove(0)
    }

    /// The loop over rows inside of a group of columns.
    fn rows(
        &self,
        product: &Product<'_>,
        (columns, panels): (VariableId, &[BufferId]),
        panel: Panel,
    ) -> For {
        let place = self.place(|position| self.reduction[position].variable);
        let packed: BTreeMap<ValueId, BufferId> =
            self.packed.iter().zip(panels).map(|((value, _), panel)| (*value, *panel)).collect();
        let mut fresh = Fresh::default();
        fresh.variables.insert(product.lanes.variable, columns);
        let mut body = Vec::new();
        for statement in &self.reduction[self.reduction.len() - 1].body {
            let Statement::Let { value, element, expr: _ } = statement else {
                body.push(statement.clone());
                continue;
            };
            match (packed.get(value), panel) {
                (None, _) => body.push(statement.clone()),
                (Some(buffer), Panel::Read) => {
                    let expr = Expr::Load(*buffer, Box::new(place.clone()));
                    body.push(Statement::Let { value: *value, element: *element, expr });
                }
                (Some(buffer), Panel::Stored) => {
                    body.push(statement.clone());
                    let (address, expr) = (place.clone(), Expr::Value(*value));
                    body.push(Statement::Store { buffer: *buffer, address, expr });
                }
            }
        }
        drop_unused(&mut body);
        for inner in self.reduction.iter().rev() {
            body = vec![Statement::For(For { body, ..(*inner).clone() })];
        }
        let around = product.lanes.body.iter().map(|statement| {
            if matches!(statement, Statement::For(_)) { body[0].clone() } else { statement.clone() }
        });
        let all = product.before.iter().cloned().chain(around);
        let body = all.map(|statement| visit::rename_statement(&statement, &fresh)).collect();
        For { body, ..product.rows.clone() }
    }
}

/// What a tile does with the panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    /// It stores them, and computes with what it stores.
    Stored,
    /// It loads from them.
    Read,
}

/// The loops of the only reduction in lanes, outermost first; none if there are several, or if it does more than fold.
fn reduction(lanes: &For) -> Option<Vec<&For>> {
    let mut reduction = vec![ask::only_loop(&lanes.body)?];
    while let [Statement::For(inner)] = reduction[reduction.len() - 1].body.as_slice() {
        reduction.push(inner);
    }
    if reduction.iter().any(|inner| inner.clip.is_some()) {
        return None;
    }
    let body = &reduction[reduction.len() - 1].body;
    if body
        .iter()
        .any(|statement| !matches!(statement, Statement::Let { .. } | Statement::Set { .. }))
    {
        return None;
    }
    Some(reduction)
}

/// Removes values that nothing uses any more.
pub(super) fn drop_unused(body: &mut Vec<Statement>) {
    let mut used = BTreeSet::new();
    for statement in body.iter().rev() {
        let unused = matches!(statement, Statement::Let { value, .. } if !used.contains(value));
        if !unused {
            visit::own_expressions(statement, &mut |expr| note_values(expr, &mut used));
        }
    }
    body.retain(
        |statement| !matches!(statement, Statement::Let { value, .. } if !used.contains(value)),
    );
}

pub(super) fn note_values(expr: &Expr, used: &mut BTreeSet<ValueId>) {
    visit::expressions(expr, &mut |expr| {
        if let Expr::Value(value) = expr {
            used.insert(*value);
        }
    });
}

/// What is known without the row.
struct Known {
    rows: VariableId,
    columns: VariableId,
    /// For values of the product whether they depend on the column; none if they depend on the row too, or may.
    values: BTreeMap<ValueId, Option<bool>>,
}

impl Known {
    /// Whether an expression depends on the column; none if it depends on the row too, or may.
    fn of(&self, expr: &Expr) -> Option<bool> {
        let mut depends = false;
        let mut possible = true;
        visit::expressions(expr, &mut |expr| {
            let mut terms = |terms: &[(VariableId, Dim)]| {
                for (variable, _) in terms {
                    depends |= *variable == self.columns;
                    possible &= *variable != self.rows;
                }
            };
            match expr {
                Expr::Value(value) => match self.values.get(value) {
                    Some(Some(columns)) => depends |= columns,
                    Some(None) => possible = false,
                    // It stands outside of the product.
                    None => {}
                },
                Expr::Register(_) | Expr::Combine(..) | Expr::Shift { .. } => possible = false,
                Expr::Position { constant: _, terms: all } => terms(all),
                Expr::Load(_, address) => terms(&address.terms),
                Expr::Constant(_)
                | Expr::Unary(..)
                | Expr::Bits(_)
                | Expr::Binary(..)
                | Expr::Compare(..)
                | Expr::Select(..)
                | Expr::MultiplyAdd(..)
                | Expr::Convert(..) => {}
            }
        });
        possible.then_some(depends)
    }
}
