//! Several rows of a product in lockstep.
//!
//! The loop over rows is unrolled, and what does not depend on the row (the right operand) is loaded once for all copies.
//!
//! ```text
//! before                                             after, two rows
//! for i in 0..n parallel {                           for t in 0..floor(n / 2) parallel {
//!   for j in 0..m lanes 32 {                           for j in 0..m lanes 32 {
//!     var $0: f32 = 0.0                                  var $0: f32 = 0.0
//!     for k in 0..l {                                    var $1: f32 = 0.0
//!       let %0 = load a[l*i + k]                         for k in 0..l {
//!       let %1 = load b[m*k + j]                           let %0 = load a[2*l*t + k]
//!       $0 = fma(%0, %1, $0)                               let %2 = load a[2*l*t + l + k]
//!     }                                                    let %1 = load b[m*k + j]
//!     store r[m*i + j] = $0                                $0 = fma(%0, %1, $0)
//!   }                                                      $1 = fma(%2, %1, $1)
//! }                                                    } …
//! ```
//!
//! Rows that are left over come in tiles of 4, of 2 and of 1. A tile of 1 has more lanes, where lanes may still be chosen:
//! a multiply-add takes four cycles, so eight or more must be under way.

use std::collections::{BTreeMap, BTreeSet};

use super::Product;
use crate::graph::{Comparison, Dim};
use crate::loops::visit::{self, Rename};
use crate::loops::{Expr, For, Manner, RegisterId, Statement, ValueId, VariableId};
use crate::schedule::collapse::Replace;
use crate::schedule::names::{Names, compare, position};

/// One loop over all tiles: whole ones, then one iteration for all rows that are left over.
pub(super) fn by_rows(product: &Product<'_>, rows: i64, names: &mut Names) -> Statement {
    all_rows(product, rows, Columns::Split, names)
}

/// The same where all columns fit into one group of `product.width` lanes.
pub(super) fn few_columns(product: &Product<'_>, rows: i64, names: &mut Names) -> Statement {
    let mut outer = product.rows.clone();
    in_lanes(&mut outer.body, product.width);
    all_rows(&Product { rows: &outer, ..*product }, rows, Columns::AsTheyAre, names)
}

/// In what lanes the columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    /// In as many as a tile has room for.
    Split,
    /// In those that were chosen.
    AsTheyAre,
}

fn all_rows(product: &Product<'_>, rows: i64, columns: Columns, names: &mut Names) -> Statement {
    let outer = product.rows;
    let full = outer.extent.floor_div(&Dim::from(rows));
    let rest = outer.extent.clone() - full.clone() * Dim::from(rows);
    let mut whole = tile(outer, (rows, &Dim::default()), full.clone(), names);
    if columns == Columns::Split {
        whole.body = split_columns(whole.body, product.width, product.width / 2, names);
    }
    if rest.is(0) {
        return Statement::For(whole);
    }
    let variable = whole.variable;
    let left = left_over(product, (rows, &full), columns, names);
    let body = vec![
        Statement::If {
            condition: compare(
                Comparison::Lt,
                position(Dim::default(), Some(variable)),
                position(full.clone(), None),
            ),
            body: whole.body,
        },
        Statement::If {
            condition: compare(
                Comparison::Ge,
                position(Dim::default(), Some(variable)),
                position(full, None),
            ),
            body: left,
        },
    ];
    let extent = (outer.extent.clone() + Dim::from(rows - 1)).floor_div(&Dim::from(rows));
    Statement::For(For { variable, extent, clip: None, manner: Manner::Parallel, body })
}

/// All tiles, one after the other. The first one may do something else: then there is a whole one at least.
pub(super) fn one_by_one(
    product: &Product<'_>,
    first: Option<&For>,
    rows: i64,
    names: &mut Names,
) -> Vec<Statement> {
    let outer = product.rows;
    let full = outer.extent.floor_div(&Dim::from(rows));
    let mut out = vec![];
    let mut serial = |outer: &For, start: &Dim, tiles: Dim| {
        if !tiles.is(0) {
            let tiles = tile(outer, (rows, start), tiles, names);
            out.push(Statement::For(For { manner: Manner::Serial, ..tiles }));
        }
    };
    match first {
        None => serial(outer, &Dim::default(), full.clone()),
        Some(first) => {
            serial(first, &Dim::default(), Dim::from(1));
            serial(outer, &Dim::from(rows), full.clone() - Dim::from(1));
        }
    }
    out.extend(left_over(product, (rows, &full), Columns::AsTheyAre, names));
    out
}

/// The rows behind the whole tiles, a power of two at a time.
fn left_over(
    product: &Product<'_>,
    (rows, full): (i64, &Dim),
    columns: Columns,
    names: &mut Names,
) -> Vec<Statement> {
    let outer = product.rows;
    let mut out = Vec::new();
    let mut start = full.clone() * Dim::from(rows);
    let mut rest = outer.extent.clone() - start.clone();
    // Where the right operand is not in a panel, each tile brings it from further away.
    let counts: &[i64] = if columns == Columns::Split { &[4, 2, 1] } else { &[2, 1] };
    for &count in counts {
        let tiles = rest.floor_div(&Dim::from(count));
        let covered = tiles.clone() * Dim::from(count);
        if count > rows || rest.is(0) || (count == rows && rows > 1) {
            continue;
        }
        if !tiles.is(0) {
            let mut left = tile(outer, (count, &start), tiles, names);
            left.manner = Manner::Serial;
            match (columns, count) {
                (Columns::Split, 1) => {
                    // The largest power of two that is not above.
                    let times = u32::try_from(rows).unwrap_or(1).ilog2();
                    let wide = product.width << times;
                    left.body = split_columns(left.body, wide, product.width, names);
                }
                // Two rows have enough under way as they are, and groups of one width are less code.
                (Columns::Split, _) => in_lanes(&mut left.body, product.width),
                (Columns::AsTheyAre, _) => {}
            }
            out.push(Statement::For(left));
        }
        start = start + covered.clone();
        rest = rest - covered;
    }
    out
}

/// All columns in groups of `width`.
fn in_lanes(statements: &mut [Statement], width: u32) {
    for statement in statements {
        if let Statement::For(lanes) = statement {
            lanes.manner = Manner::Lanes(width);
        }
    }
}

/// Whole groups of `wide` columns, and the columns that are left over in groups of `narrow`.
fn split_columns(
    statements: Vec<Statement>,
    wide: u32,
    narrow: u32,
    names: &mut Names,
) -> Vec<Statement> {
    let mut out = Vec::new();
    for statement in statements {
        let Statement::For(lanes) = statement else {
            out.push(statement);
            continue;
        };
        let step = Dim::from(i64::from(wide));
        let whole = lanes.extent.floor_div(&step) * step;
        let rest = lanes.extent.clone() - whole.clone();
        if !whole.is(0) {
            let manner = Manner::Lanes(wide);
            out.push(Statement::For(For { extent: whole.clone(), manner, ..lanes.clone() }));
        }
        if !rest.is(0) {
            let left = left_columns(&lanes, (whole, rest), (wide, narrow), names);
            out.push(Statement::For(left));
        }
    }
    out
}

/// The columns from `start` on; no more lanes than there are columns, where that is known.
fn left_columns(
    lanes: &For,
    (start, extent): (Dim, Dim),
    (wide, narrow): (u32, u32),
    names: &mut Names,
) -> For {
    let known = extent.as_constant().and_then(|extent| u32::try_from(extent).ok());
    let needed = known.and_then(u32::checked_next_power_of_two);
    let width = needed.map_or(narrow, |needed| needed.min(wide)).max(1);
    let variable = names.variable();
    let shift = Replace {
        variable: lanes.variable,
        constant: start,
        terms: vec![(variable, Dim::from(1))],
    };
    let mut copies = Copies {
        rows: vec![Copy::new(shift)],
        names,
        bound: BTreeSet::from([Bound::Variable(lanes.variable)]),
    };
    let mut body = copies.block(&lanes.body);
    rename_loops(&mut body, names);
    For { variable, extent, clip: None, manner: Manner::Lanes(width), body }
}

/// One loop over tiles of `count` rows from `start`.
fn tile(outer: &For, (count, start): (i64, &Dim), tiles: Dim, names: &mut Names) -> For {
    let variable = names.variable();
    let rows = (0..count).map(|row| Replace {
        variable: outer.variable,
        constant: start.clone() + Dim::from(row),
        terms: vec![(variable, Dim::from(count))],
    });
    let mut copies = Copies {
        rows: rows.map(Copy::new).collect(),
        names,
        bound: BTreeSet::from([Bound::Variable(outer.variable)]),
    };
    let mut body = copies.block(&outer.body);
    // Each copy of a tile gets loop variables of its own, since a variable is unique in its function.
    rename_loops(&mut body, names);
    For { variable, extent: tiles, clip: None, manner: Manner::Parallel, body }
}

/// Gives every loop a variable of its own.
pub(super) fn rename_loops(statements: &mut [Statement], names: &mut Names) {
    for statement in statements {
        if let Statement::For(inner) = statement {
            let variable = names.variable();
            let replace = Replace {
                variable: inner.variable,
                constant: Dim::default(),
                terms: vec![(variable, Dim::from(1))],
            };
            inner.body = inner
                .body
                .iter()
                .map(|statement| visit::rename_statement(statement, &replace))
                .collect();
            inner.variable = variable;
            rename_loops(&mut inner.body, names);
        }
    }
}

/// What depends on the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Variable(VariableId),
    Value(ValueId),
    Register(RegisterId),
}

/// One copy of the body.
struct Copy {
    row: Replace,
    values: BTreeMap<ValueId, ValueId>,
    registers: BTreeMap<RegisterId, RegisterId>,
}

impl Copy {
    fn new(row: Replace) -> Self {
        Self { row, values: BTreeMap::new(), registers: BTreeMap::new() }
    }
}

impl Rename for Copy {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        self.row.variable(variable)
    }
    fn value(&self, value: ValueId) -> ValueId {
        self.values.get(&value).copied().unwrap_or(value)
    }
    fn register(&self, register: RegisterId) -> RegisterId {
        self.registers.get(&register).copied().unwrap_or(register)
    }
}

struct Copies<'n> {
    rows: Vec<Copy>,
    names: &'n mut Names,
    bound: BTreeSet<Bound>,
}

impl Copies<'_> {
    fn block(&mut self, statements: &[Statement]) -> Vec<Statement> {
        statements.iter().flat_map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, statement: &Statement) -> Vec<Statement> {
        match statement {
            Statement::For(inner) => {
                let body = self.block(&inner.body);
                vec![Statement::For(For { body, ..inner.clone() })]
            }
            Statement::Let { value, element: _, expr } => {
                if !self.depends(expr) {
                    // One value serves all copies, under a name of its own for this tile.
                    let fresh = self.names.value();
                    for copy in &mut self.rows {
                        copy.values.insert(*value, fresh);
                    }
                    return vec![visit::rename_statement(statement, &self.rows[0])];
                }
                self.bound.insert(Bound::Value(*value));
                for copy in &mut self.rows {
                    copy.values.insert(*value, self.names.value());
                }
                self.each(statement)
            }
            Statement::Declare { register, .. } => {
                self.bound.insert(Bound::Register(*register));
                for copy in &mut self.rows {
                    copy.registers.insert(*register, self.names.register());
                }
                self.each(statement)
            }
            // What is the same for all rows is written once.
            Statement::Store { buffer: _, address, expr }
                if address.computed.is_empty()
                    && !self.depends_on_terms(&address.terms)
                    && !self.depends(expr) =>
            {
                vec![visit::rename_statement(statement, &self.rows[0])]
            }
            Statement::Set { .. } | Statement::Store { .. } | Statement::If { .. } => {
                self.each(statement)
            }
        }
    }

    fn each(&self, statement: &Statement) -> Vec<Statement> {
        self.rows.iter().map(|copy| visit::rename_statement(statement, copy)).collect()
    }

    fn depends(&self, expr: &Expr) -> bool {
        let mut depends = false;
        visit::expressions(expr, &mut |expr| {
            let terms = |terms: &[(VariableId, Dim)]| self.depends_on_terms(terms);
            depends |= match expr {
                Expr::Value(value) => self.bound.contains(&Bound::Value(*value)),
                Expr::Register(register) | Expr::Combine(_, register) => {
                    self.bound.contains(&Bound::Register(*register))
                }
                Expr::Position { constant: _, terms: all } => terms(all),
                Expr::Load(_, address) => terms(&address.terms),
                Expr::Constant(_)
                | Expr::Unary(..)
                | Expr::Binary(..)
                | Expr::Compare(..)
                | Expr::Select(..)
                | Expr::MultiplyAdd(..)
                | Expr::Bits(_)
                | Expr::Shift { .. }
                | Expr::Convert(..) => false,
            };
        });
        depends
    }

    fn depends_on_terms(&self, terms: &[(VariableId, Dim)]) -> bool {
        terms.iter().any(|(variable, _)| self.bound.contains(&Bound::Variable(*variable)))
    }
}
