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
//! Rows that are left over come in tiles of 2 and of 1. Such tiles have more lanes, where lanes may still be chosen:
//! a multiply-add takes four cycles, so eight or more must be under way.

use std::collections::{BTreeMap, BTreeSet};

use super::Product;
use crate::graph::{Comparison, Dim};
use crate::loops::visit::{self, Name, Rename};
use crate::loops::{Address, Expr, For, Manner, RegisterId, Statement, ValueId, VariableId};
use crate::schedule::collapse::Replace;
use crate::schedule::names::{Names, compare, number, position};

/// One loop over all tiles: whole ones, then one iteration for all rows that are left over.
/// Inside of it the columns come in blocks, so that few rows can be shared too.
pub(super) fn by_rows(product: &Product<'_>, rows: i64, names: &mut Names) -> Statement {
    if let Some(clip) = &product.rows.clip {
        return clipped(product, clip, rows, names);
    }
    let blocks = Blocks::of(product, names);
    let mut tiles = all_rows(product, rows, Some(&blocks), names);
    if let Blocks::Several { variable, count, .. } = blocks {
        let body = tiles.body;
        let manner = Manner::Parallel;
        tiles.body =
            vec![Statement::For(For { variable, extent: count, clip: None, manner, body })];
    }
    Statement::For(tiles)
}

/// All tiles, inside of a group of columns.
pub(super) fn one_by_one(product: &Product<'_>, rows: i64, names: &mut Names) -> Statement {
    Statement::For(all_rows(product, rows, None, names))
}

/// All tiles where all columns fit into one group of `product.width` lanes.
pub(super) fn few_columns(product: &Product<'_>, rows: i64, names: &mut Names) -> Statement {
    let mut outer = product.rows.clone();
    outer.body = in_lanes(outer.body, product.width, &Blocks::One, names);
    one_by_one(&Product { rows: &outer, ..*product }, rows, names)
}

/// All tiles, one after the other, of which the first does something else; there is a whole one at least.
pub(super) fn behind_first(
    product: &Product<'_>,
    first: &For,
    rows: i64,
    names: &mut Names,
) -> Vec<Statement> {
    let outer = product.rows;
    let full = outer.extent.floor_div(&Dim::from(rows));
    let others = full.clone() - Dim::from(1);
    let tiles = [(first, Dim::default(), Dim::from(1)), (outer, Dim::from(rows), others)];
    let mut out = vec![];
    for (outer, start, count) in tiles {
        if !count.is(0) {
            let tiles = tile(outer, (rows, &start), count, names);
            out.push(Statement::For(For { manner: Manner::Serial, ..tiles }));
        }
    }
    out.extend(left_over(product, (rows, &full), None, names));
    out
}

/// How many groups of columns are a block: as many as a single row takes at once.
const GROUPS: i64 = 4;

/// The columns of a product in blocks, which is what a task has of them.
enum Blocks {
    One,
    Several { variable: VariableId, length: i64, count: Dim },
}

impl Blocks {
    fn of(product: &Product<'_>, names: &mut Names) -> Self {
        let (extent, length) = (&product.lanes.extent, GROUPS * i64::from(product.width));
        if extent.as_constant().is_some_and(|extent| extent <= length) {
            return Self::One;
        }
        let count = (extent.clone() + Dim::from(length - 1)).floor_div(&Dim::from(length));
        Self::Several { variable: names.variable(), length, count }
    }
}

fn all_rows(product: &Product<'_>, rows: i64, blocks: Option<&Blocks>, names: &mut Names) -> For {
    let outer = product.rows;
    let full = outer.extent.floor_div(&Dim::from(rows));
    let rest = outer.extent.clone() - full.clone() * Dim::from(rows);
    let mut whole = tile(outer, (rows, &Dim::default()), full.clone(), names);
    if let Some(blocks) = blocks {
        let widths = (product.width, product.width / 2);
        whole.body = split_columns(whole.body, widths, blocks, names);
    }
    if rest.is(0) {
        return whole;
    }
    let variable = whole.variable;
    let left = left_over(product, (rows, &full), blocks, names);
    let here = || position(Dim::default(), Some(variable));
    let bound = || position(full.clone(), None);
    let body = vec![
        Statement::If { condition: compare(Comparison::Lt, here(), bound()), body: whole.body },
        Statement::If { condition: compare(Comparison::Ge, here(), bound()), body: left },
    ];
    let extent = (outer.extent.clone() + Dim::from(rows - 1)).floor_div(&Dim::from(rows));
    For { variable, extent, clip: None, manner: Manner::Parallel, body }
}

/// One loop over the tiles of a stripe, which may have fewer rows than it could: a tile that is not whole goes in pairs of rows.
fn clipped(product: &Product<'_>, clip: &Address, rows: i64, names: &mut Names) -> Statement {
    let outer = product.rows;
    let tiles = outer.extent.floor_div(&Dim::from(rows));
    let mut whole = tile(outer, (rows, &Dim::default()), tiles, names);
    let widths = (product.width, product.width / 2);
    whole.body = split_columns(whole.body, widths, &Blocks::One, names);
    let (first, pair) = (whole.variable, names.variable());
    // How many rows there are from the first one of a tile, and from that of a pair.
    let mut of_tile = clip.clone();
    of_tile.add_term(first, &Dim::from(-rows));
    let mut of_pair = of_tile.clone();
    of_pair.add_term(pair, &Dim::from(-2));
    let is = |left: &Address, comparison: Comparison, count: i64| {
        let constant = left.constant.clone() - Dim::from(count);
        compare(comparison, Expr::Position { constant, terms: left.terms.clone() }, number(0))
    };
    let side_by_side = |count: i64, names: &mut Names| {
        let here = (0..count).map(|row| {
            let mut terms = vec![(first, Dim::from(rows)), (pair, Dim::from(2))];
            terms.sort_by_key(|(variable, _)| *variable);
            Copy::new(Replace { variable: outer.variable, constant: Dim::from(row), terms })
        });
        let bound = BTreeSet::from([Name::Variable(outer.variable)]);
        let mut body = Copies { rows: here.collect(), names, bound }.block(&outer.body);
        rename_loops(&mut body, names);
        split_columns(body, widths, &Blocks::One, names)
    };
    let two =
        Statement::If { condition: is(&of_pair, Comparison::Ge, 2), body: side_by_side(2, names) };
    let one =
        Statement::If { condition: is(&of_pair, Comparison::Eq, 1), body: side_by_side(1, names) };
    let pairs = For {
        variable: pair,
        extent: Dim::from((rows + 1) / 2),
        clip: None,
        manner: Manner::Serial,
        body: vec![two, one],
    };
    let left = vec![Statement::For(pairs)];
    let body = vec![
        Statement::If { condition: is(&of_tile, Comparison::Ge, rows), body: whole.body },
        Statement::If { condition: is(&of_tile, Comparison::Lt, rows), body: left },
    ];
    Statement::For(For { body, clip: None, ..whole })
}

/// The rows behind the whole tiles, a power of two at a time.
fn left_over(
    product: &Product<'_>,
    (rows, full): (i64, &Dim),
    blocks: Option<&Blocks>,
    names: &mut Names,
) -> Vec<Statement> {
    let outer = product.rows;
    let mut out = Vec::new();
    let mut start = full.clone() * Dim::from(rows);
    let mut rest = outer.extent.clone() - start.clone();
    // Where the right operand is not in a panel, each tile brings it from further away.
    let counts: &[i64] = if blocks.is_some() { &[4, 2, 1] } else { &[2, 1] };
    for &count in counts {
        let tiles = rest.floor_div(&Dim::from(count));
        let covered = tiles.clone() * Dim::from(count);
        if count > rows || rest.is(0) || (count == rows && rows > 1) {
            continue;
        }
        if !tiles.is(0) {
            let mut left = tile(outer, (count, &start), tiles, names);
            left.manner = Manner::Serial;
            match (blocks, count) {
                (Some(blocks), 1) => {
                    // The largest power of two that is not above.
                    let times = u32::try_from(rows.min(GROUPS)).unwrap_or(1).ilog2();
                    let widths = (product.width << times, product.width);
                    left.body = split_columns(left.body, widths, blocks, names);
                }
                // Two rows have enough under way as they are, and groups of one width are less code.
                (Some(blocks), _) => {
                    left.body = in_lanes(left.body, product.width, blocks, names);
                }
                (None, _) => {}
            }
            out.push(Statement::For(left));
        }
        start = start + covered.clone();
        rest = rest - covered;
    }
    out
}

/// All columns in groups of `width`; of each block what lies in it.
fn in_lanes(
    statements: Vec<Statement>,
    width: u32,
    blocks: &Blocks,
    names: &mut Names,
) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        out.push(match statement {
            Statement::For(lanes) => {
                let all = (lanes.extent.clone(), width);
                Statement::For(whole_columns(&lanes, all, blocks, names))
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => statement,
        });
    }
    out
}

/// Whole groups of `wide` columns, and the columns that are left over in groups of `narrow`; of each block what lies in it.
fn split_columns(
    statements: Vec<Statement>,
    (wide, narrow): (u32, u32),
    blocks: &Blocks,
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
            out.push(Statement::For(whole_columns(&lanes, (whole.clone(), wide), blocks, names)));
        }
        if !rest.is(0) {
            let left = left_columns(&lanes, (whole, rest), (wide, narrow), names);
            out.push(in_last_block(Statement::For(left), blocks));
        }
    }
    out
}

/// The columns of a block in whole groups.
fn whole_columns(
    lanes: &For,
    (whole, wide): (Dim, u32),
    blocks: &Blocks,
    names: &mut Names,
) -> For {
    let manner = Manner::Lanes(wide);
    let Blocks::Several { variable: block, length, count } = blocks else {
        return For { extent: whole, manner, ..lanes.clone() };
    };
    let mut groups = moved(lanes, (Dim::default(), Some((*block, *length))), names);
    let length = Dim::from(*length);
    if count.clone() * length.clone() != whole {
        let mut clip = Address { constant: whole, ..Address::default() };
        clip.add_term(*block, &-length.clone());
        groups.clip = Some(clip);
    }
    For { extent: length, manner, ..groups }
}

/// What only the last block has.
fn in_last_block(statement: Statement, blocks: &Blocks) -> Statement {
    let Blocks::Several { variable, count, .. } = blocks else { return statement };
    let (here, last) = (position(Dim::default(), Some(*variable)), count.clone() - Dim::from(1));
    let condition = compare(Comparison::Ge, here, position(last, None));
    Statement::If { condition, body: vec![statement] }
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
    For { extent, manner: Manner::Lanes(width), ..moved(lanes, (start, None), names) }
}

/// A copy of a loop whose variable counts from another place, which may lie in a block.
fn moved(lanes: &For, (start, block): (Dim, Option<(VariableId, i64)>), names: &mut Names) -> For {
    let variable = names.variable();
    let block = block.map(|(block, length)| (block, Dim::from(length)));
    let mut terms: Vec<_> = block.into_iter().chain([(variable, Dim::from(1))]).collect();
    terms.sort_by_key(|(variable, _)| *variable);
    let shift = Replace { variable: lanes.variable, constant: start, terms };
    let mut copies = Copies {
        rows: vec![Copy::new(shift)],
        names,
        bound: BTreeSet::from([Name::Variable(lanes.variable)]),
    };
    let mut body = copies.block(&lanes.body);
    rename_loops(&mut body, names);
    For { variable, body, ..lanes.clone() }
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
        bound: BTreeSet::from([Name::Variable(outer.variable)]),
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

/// The iterations of a loop side by side; what does not depend on its variable is done once.
pub(in crate::schedule) fn side_by_side(
    outer: &For,
    count: i64,
    names: &mut Names,
) -> Vec<Statement> {
    let iterations = (0..count).map(|iteration| Replace {
        variable: outer.variable,
        constant: Dim::from(iteration),
        terms: Vec::new(),
    });
    let rows = iterations.map(Copy::new).collect();
    Copies { rows, names, bound: BTreeSet::from([Name::Variable(outer.variable)]) }
        .block(&outer.body)
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
    /// What depends on the row.
    bound: BTreeSet<Name>,
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
                self.bound.insert(Name::Value(*value));
                for copy in &mut self.rows {
                    copy.values.insert(*value, self.names.value());
                }
                self.each(statement)
            }
            Statement::Declare { register, .. } => {
                self.bound.insert(Name::Register(*register));
                for copy in &mut self.rows {
                    copy.registers.insert(*register, self.names.register());
                }
                self.each(statement)
            }
            Statement::Mma(_)
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => self.each(statement),
            Statement::Sync => vec![Statement::Sync],
        }
    }

    fn each(&self, statement: &Statement) -> Vec<Statement> {
        self.rows.iter().map(|copy| visit::rename_statement(statement, copy)).collect()
    }

    fn depends(&self, expr: &Expr) -> bool {
        let mut depends = false;
        visit::names(expr, &mut |name| depends |= self.bound.contains(&name));
        depends
    }
}
