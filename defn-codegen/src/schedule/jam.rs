//! Several rows of a product at a time.
//!
//! A loop over rows around lanes that hold a reduction is unrolled, and the copies run in lockstep: what does not depend on the row
//! (the right operand of a matrix product) is loaded once for all copies.
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
//! Every element is computed as before, so the bits stay. A later stage that packs panels replaces this file.

use std::collections::{BTreeMap, BTreeSet};

use super::collapse::Replace;
use crate::arena::Arena;
use crate::graph::Dim;
use crate::loops::visit::{self, Rename};
use crate::loops::{Buffer, Expr, For, Loops, Manner, RegisterId, Statement, ValueId, VariableId};
use crate::options::Level;

/// Jams the row loops of all products.
pub(super) fn jam(loops: &mut Loops, level: Level) {
    let mut names = Names::of(loops);
    let buffers = loops.buffers.clone();
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body), &mut names, (level, &buffers));
    }
}

fn block(
    statements: Vec<Statement>,
    names: &mut Names,
    target: (Level, &Arena<Buffer>),
) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(mut inner) => match rows_at_a_time(&inner, target) {
                Some(rows) => out.extend(tiles(&inner, rows, names)),
                None => {
                    inner.body = block(inner.body, names, target);
                    out.push(Statement::For(inner));
                }
            },
            Statement::If { condition, body } => {
                out.push(Statement::If { condition, body: block(body, names, target) });
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => {
                out.push(statement);
            }
        }
    }
    out
}

/// How many rows pay: as many accumulators as three quarters of the registers hold.
fn rows_at_a_time(outer: &For, (level, buffers): (Level, &Arena<Buffer>)) -> Option<i64> {
    if outer.manner != Manner::Parallel {
        return None;
    }
    let mut lanes = None;
    for statement in &outer.body {
        if matches!(statement, Statement::Let { .. }) {
            continue;
        }
        let Statement::For(inner) = statement else { return None };
        let Manner::Lanes(width) = inner.manner else { return None };
        if lanes.replace((inner, width)).is_some() {
            return None;
        }
    }
    let (inner, width) = lanes?;
    let mut size = 0;
    let mut shares = false;
    visit::statements(&inner.body, &mut |statement| {
        let Statement::For(reduction) = statement else { return };
        visit::addresses(&reduction.body, &mut |buffer, address, written| {
            size = size.max(buffers[buffer].element.size() as u32);
            shares |= !written
                && address.coefficient(outer.variable).is(0)
                && !address.coefficient(inner.variable).is(0);
        });
    });
    let registers = (width * size).div_ceil(level.register_bytes()).max(1);
    let rows = i64::from((level.registers() * 3 / 4 / registers).max(1));
    (shares && rows > 1).then_some(rows)
}

/// The loop as tiles of `rows`, then of 4, then of 1.
fn tiles(outer: &For, rows: i64, names: &mut Names) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut start = Dim::default();
    let mut rest = outer.extent.clone();
    for count in [rows, 4, 1] {
        if count > rows || (count == 4 && rows == 4 && start != Dim::default()) {
            continue;
        }
        let tiles = rest.floor_div(&Dim::from(count));
        let covered = tiles.clone() * Dim::from(count);
        if !tiles.is(0) {
            out.push(Statement::For(tile(outer, (count, &start), tiles, names)));
        }
        start = start + covered.clone();
        rest = rest - covered;
        if rest.is(0) || count == 1 {
            break;
        }
    }
    out
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
    let body = copies.block(&outer.body);
    // Each copy of a tile gets loop variables of its own, since a variable is unique in its function.
    let mut body: Vec<Statement> = body;
    rename_loops(&mut body, names);
    For { variable, extent: tiles, manner: Manner::Parallel, body }
}

fn rename_loops(statements: &mut [Statement], names: &mut Names) {
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
            let terms = |terms: &[(VariableId, Dim)]| {
                terms.iter().any(|(variable, _)| self.bound.contains(&Bound::Variable(*variable)))
            };
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
}

/// Counters behind the names in use.
struct Names {
    variables: u32,
    values: u32,
    registers: u32,
}

impl Names {
    fn of(loops: &Loops) -> Self {
        let mut names = Self { variables: 0, values: 0, registers: 0 };
        for nest in &loops.nests {
            visit::statements(&nest.body, &mut |statement| match statement {
                Statement::For(inner) => {
                    names.variables = names.variables.max(inner.variable.0 + 1);
                }
                Statement::Let { value, .. } => names.values = names.values.max(value.0 + 1),
                Statement::Declare { register, .. } => {
                    names.registers = names.registers.max(register.0 + 1);
                }
                Statement::Set { .. } | Statement::Store { .. } | Statement::If { .. } => {}
            });
        }
        names
    }

    fn variable(&mut self) -> VariableId {
        self.variables += 1;
        VariableId(self.variables - 1)
    }

    fn value(&mut self) -> ValueId {
        self.values += 1;
        ValueId(self.values - 1)
    }

    fn register(&mut self) -> RegisterId {
        self.registers += 1;
        RegisterId(self.registers - 1)
    }
}
