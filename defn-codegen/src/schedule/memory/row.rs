//! Rows of a state that change, where the others stay as they are.
//!
//! ```text
//! before                                                                 after
//! for i in 0..n { for j in 0..m {                                        for j in 0..m {
//!   store t[m*i + j] = select(eq(pos(i), 2), f(load s[2*m + j]), load s[m*i + j])   store s[2*m + j] = f(load s[2*m + j])
//! } }                                                                    }
//! for i in 0..n*m { store s[i] = load t[i] }
//! ```
//!
//! A position that is computed may lie outside: then the row that is nearest keeps its value, and is written all the same.
//! Several rows are written one after the other, the one that is chosen first last, when all that is read has been read.
//! What is read of the state must stand at the same place of some row, so that no element that was stored is read for another one.

use std::collections::BTreeSet;

use crate::graph::{Binary, Comparison, Dim, Element, Scalar};
use crate::loops::visit::{self, Name};
use crate::loops::{Address, BufferId, Expr, For, Loops, Statement, ValueId, VariableId};

use super::super::names::Names;

/// The statements that change rows of `old`, if the ones that write `new` copy all others from there.
pub(super) fn row(
    loops: &Loops,
    body: &[Statement],
    new: BufferId,
    old: BufferId,
) -> Option<Vec<Statement>> {
    let mut chain = Chain::default();
    let (buffer, address, expr) = chain.walk(body)?;
    let mut picked = Vec::new();
    let mut rest = chain.known(expr);
    while let Expr::Select(condition, then, otherwise) = rest {
        let (variable, position) = chain.test(condition)?;
        picked.push((variable, position, &**then));
        rest = chain.known(otherwise);
    }
    let Expr::Load(from, place) = rest else { return None };
    let stays = (buffer, *from, &**place) == (new, old, address) && address.computed.is_empty();
    let variable = picked.first().map(|(variable, ..)| *variable).filter(|_| stays)?;
    let at = chain.loops.iter().position(|it| it.variable == variable)?;
    let along = chain.loops[at];
    let visits = |it: &&For| !address.coefficient(it.variable).is(0);
    if along.clip.is_some()
        || !chain.loops.iter().all(visits)
        || picked.iter().any(|(other, ..)| *other != variable)
    {
        return None;
    }
    let mut rows = Rows {
        element: loops.buffers[old].element,
        old,
        address,
        along,
        moved: BTreeSet::new(),
        all: Vec::new(),
    };
    let mut names = Names::of(loops);
    // What is chosen first is written last.
    for (_, position, then) in picked.into_iter().rev() {
        let position = chain.position(position, at, &mut rows.moved)?;
        if position.as_constant().is_some_and(|it| !rows.holds(it)) {
            return None;
        }
        rows.all.push(Row { position, name: names.value(), then });
    }
    let found = prune(rows.written(&chain, body, &mut names), &mut BTreeSet::new());
    rows.is_alone(&found).then_some(found)
}

/// Loops in each other, with nothing but values in them and one store in the innermost.
#[derive(Default)]
struct Chain<'s> {
    /// With how many loops stand around each.
    values: Vec<(ValueId, &'s Expr, usize)>,
    loops: Vec<&'s For>,
}

impl<'s> Chain<'s> {
    /// The store.
    fn walk(&mut self, body: &'s [Statement]) -> Option<(BufferId, &'s Address, &'s Expr)> {
        let (last, front) = body.split_last()?;
        for statement in front {
            let Statement::Let { value, element: _, expr } = statement else { return None };
            self.values.push((*value, expr, self.loops.len()));
        }
        match last {
            Statement::For(inner) => {
                self.loops.push(inner);
                self.walk(&inner.body)
            }
            Statement::Store { buffer, address, expr } => Some((*buffer, address, expr)),
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::If { .. }
            | Statement::Sync
            | Statement::Mma(_) => None,
        }
    }

    fn value(&self, name: ValueId) -> Option<(&'s Expr, usize)> {
        let found = self.values.iter().find(|(value, ..)| *value == name);
        found.map(|(_, expr, depth)| (*expr, *depth))
    }

    /// What a name stands for.
    fn known<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        's: 'e,
    {
        let Expr::Value(value) = expr else { return expr };
        self.value(*value).map_or(expr, |(expr, _)| self.known(expr))
    }

    /// The loop whose position is compared, and with what.
    fn test<'e>(&self, condition: &'e Expr) -> Option<(VariableId, &'e Expr)>
    where
        's: 'e,
    {
        let Expr::Compare(Comparison::Eq, left, right) = self.known(condition) else { return None };
        let (one, other) = (self.known(left), self.known(right));
        let found = counter(one).map(|variable| (variable, &**right));
        found.or_else(|| counter(other).map(|variable| (variable, &**left)))
    }

    /// A position that is the same in all of a loop; what is computed for it inside of the loop moves in front.
    fn position(
        &self,
        expr: &Expr,
        along: usize,
        moved: &mut BTreeSet<ValueId>,
    ) -> Option<Position> {
        if let Some(number) = number(self.known(expr)) {
            return Some(Position::Known(number));
        }
        let inside: Vec<VariableId> = self.loops[along..].iter().map(|it| it.variable).collect();
        let (mut open, mut is_fixed) = (vec![expr], true);
        while let Some(expr) = open.pop() {
            visit::names(expr, &mut |name| match name {
                Name::Variable(variable) => is_fixed &= !inside.contains(&variable),
                Name::Register(_) => is_fixed = false,
                Name::Value(value) => {
                    let found = self.value(value);
                    if let Some((expr, _)) = found.filter(|(_, depth)| *depth > along)
                        && moved.insert(value)
                    {
                        open.push(expr);
                    }
                }
            });
        }
        // Whatever is loaded has a name, so that it is loaded before a row is stored.
        visit::expressions(expr, &mut |inner| is_fixed &= !matches!(inner, Expr::Load(..)));
        is_fixed.then(|| Position::Computed(expr.clone()))
    }

    /// Whether a value changes with the position of a loop.
    fn depends(&self, expr: &Expr, on: VariableId) -> bool {
        let mut depends = false;
        visit::names(expr, &mut |name| {
            depends |= match name {
                Name::Variable(variable) => variable == on,
                Name::Value(value) => {
                    self.value(value).is_some_and(|(expr, _)| self.depends(expr, on))
                }
                Name::Register(_) => false,
            };
        });
        depends
    }
}

/// Which row.
enum Position {
    Known(i64),
    Computed(Expr),
}

impl Position {
    fn as_constant(&self) -> Option<i64> {
        match self {
            Self::Known(number) => Some(*number),
            Self::Computed(_) => None,
        }
    }
}

/// A row that changes.
struct Row<'s> {
    position: Position,
    /// What stands for a position that is computed, moved into the axis.
    name: ValueId,
    /// What it becomes.
    then: &'s Expr,
}

/// All rows that change, in the order in which they are written.
struct Rows<'s> {
    element: Element,
    old: BufferId,
    address: &'s Address,
    along: &'s For,
    /// What is computed in front of the loop over rows.
    moved: BTreeSet<ValueId>,
    all: Vec<Row<'s>>,
}

impl Rows<'_> {
    fn holds(&self, position: i64) -> bool {
        let extent = self.along.extent.as_constant();
        position >= 0 && extent.is_some_and(|extent| position < extent)
    }

    /// The chain with other stores, without the loop over rows.
    fn written(&self, chain: &Chain<'_>, body: &[Statement], names: &mut Names) -> Vec<Statement> {
        let copies: Vec<Vec<(ValueId, ValueId)>> = (0..self.all.len())
            .map(|row| {
                let depends = chain.values.iter().filter(|(value, expr, _)| {
                    !self.moved.contains(value) && chain.depends(expr, self.along.variable)
                });
                // The first row takes the names that there are.
                let name = |value: ValueId, names: &mut Names| {
                    if row == 0 { value } else { names.value() }
                };
                depends.map(|(value, ..)| (*value, name(*value, names))).collect()
            })
            .collect();
        let fixed: Vec<Fixed<'_>> = (self.all.iter().zip(&copies))
            .map(|(row, copies)| Fixed { variable: self.along.variable, row, copies })
            .collect();
        self.level(chain, body, (&fixed, names))
    }

    fn level(
        &self,
        chain: &Chain<'_>,
        body: &[Statement],
        (fixed, names): (&[Fixed<'_>], &mut Names),
    ) -> Vec<Statement> {
        let mut found = Vec::new();
        let Some((last, front)) = body.split_last() else { return found };
        for statement in front {
            let Statement::Let { value, element: _, expr } = statement else { continue };
            if self.moved.contains(value) {
                continue;
            }
            let count = if chain.depends(expr, self.along.variable) { fixed.len() } else { 1 };
            found.extend(fixed[..count].iter().map(|fixed| fixed.statement(statement)));
        }
        match last {
            Statement::For(inner) if inner.variable == self.along.variable => {
                found.extend(self.positions(&inner.body));
                let body = self.level(chain, &inner.body, (fixed, names));
                // Of no rows none is the nearest.
                match self.along.extent.as_constant() {
                    Some(extent) if extent > 0 => found.extend(body),
                    _ => {
                        let extent = Expr::Position {
                            constant: self.along.extent.clone(),
                            terms: Vec::new(),
                        };
                        let condition =
                            Expr::Compare(Comparison::Ge, Box::new(extent), Box::new(whole(1)));
                        found.push(Statement::If { condition, body });
                    }
                }
            }
            Statement::For(inner) => {
                let body = self.level(chain, &inner.body, (fixed, names));
                found.push(Statement::For(For { body, ..inner.clone() }));
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. }
            | Statement::Mma(_)
            | Statement::Sync => self.stores(fixed, names, &mut found),
        }
        found
    }

    /// The positions of the rows, and what they are computed from.
    fn positions(&self, inside: &[Statement]) -> Vec<Statement> {
        let mut found = Vec::new();
        visit::statements(inside, &mut |statement| {
            if let Statement::Let { value, .. } = statement
                && self.moved.contains(value)
            {
                found.push(statement.clone());
            }
        });
        for row in &self.all {
            if let Position::Computed(expr) = &row.position {
                let expr = clamped(expr, &self.along.extent);
                found.push(Statement::Let { value: row.name, element: Element::I64, expr });
            }
        }
        found
    }

    /// Stores all rows, when what they become is computed.
    fn stores(&self, fixed: &[Fixed<'_>], names: &mut Names, found: &mut Vec<Statement>) {
        let mut stores = Vec::new();
        for fixed in fixed {
            let address = fixed.address(self.address);
            let mut expr = fixed.expr(fixed.row.then);
            if self.all.len() > 1 || fixed.row.position.as_constant().is_none() {
                let value = names.value();
                found.push(Statement::Let { value, element: self.element, expr });
                expr = Expr::Value(value);
            }
            if let Position::Computed(position) = &fixed.row.position {
                let is_inside = Expr::Compare(
                    Comparison::Eq,
                    Box::new(position.clone()),
                    Box::new(Expr::Value(fixed.row.name)),
                );
                let same = Expr::Load(self.old, Box::new(address.clone()));
                expr = Expr::Select(Box::new(is_inside), Box::new(expr), Box::new(same));
            }
            stores.push(Statement::Store { buffer: self.old, address, expr });
        }
        found.extend(stores);
    }

    /// Whether an element of a row is computed from elements of rows that have its place in them: all of them are read
    /// before any of them is stored.
    fn is_alone(&self, found: &[Statement]) -> bool {
        let by = self.address.coefficient(self.along.variable);
        let mut place = self.address.clone();
        place.terms.retain(|(variable, _)| *variable != self.along.variable);
        let mut is_alone = true;
        visit::addresses(found, &mut |buffer, address, _| {
            let moved = address.constant.clone() - place.constant.clone();
            is_alone &= buffer != self.old
                || address.terms == place.terms
                    && is_multiple(&moved, &by)
                    && address.computed.iter().all(|(_, step)| *step == by);
        });
        is_alone
    }
}

/// Whether so much is a number of steps.
fn is_multiple(moved: &Dim, step: &Dim) -> bool {
    match (moved.terms().first(), step.terms().first()) {
        (None, _) => true,
        (Some((_, moved_by)), Some((_, by))) if moved_by % by == 0 => {
            *moved == step.clone() * Dim::from(moved_by / by)
        }
        _ => false,
    }
}

/// A position, or the nearest one of an axis.
fn clamped(position: &Expr, extent: &Dim) -> Expr {
    let last = Expr::Position { constant: extent.clone() - Dim::from(1), terms: Vec::new() };
    let below = Expr::Binary(Binary::Min, Box::new(position.clone()), Box::new(last));
    Expr::Binary(Binary::Max, Box::new(below), Box::new(whole(0)))
}

fn whole(number: i64) -> Expr {
    Expr::Constant(Scalar::from_i64(Element::I64, number))
}

/// The loop that an expression is the position of.
fn counter(expr: &Expr) -> Option<VariableId> {
    let Expr::Position { constant, terms } = expr else { return None };
    let [(variable, by)] = terms.as_slice() else { return None };
    (constant.is(0) && by.is(1)).then_some(*variable)
}

fn number(expr: &Expr) -> Option<i64> {
    if let Expr::Constant(scalar) = expr {
        return (scalar.element == Element::I64).then(|| scalar.to_i64());
    }
    let Expr::Position { constant, terms } = expr else { return None };
    constant.as_constant().filter(|_| terms.is_empty())
}

/// A row in place of the position of a loop.
struct Fixed<'s> {
    variable: VariableId,
    row: &'s Row<'s>,
    /// What has a name of its own for this row.
    copies: &'s [(ValueId, ValueId)],
}

impl Fixed<'_> {
    fn value(&self, value: ValueId) -> ValueId {
        let found = self.copies.iter().find(|(old, _)| *old == value);
        found.map_or(value, |(_, new)| *new)
    }

    fn address(&self, address: &Address) -> Address {
        let by = address.coefficient(self.variable);
        let mut moved = address.clone();
        moved.terms.retain(|(variable, _)| *variable != self.variable);
        moved.computed.iter_mut().for_each(|(expr, _)| *expr = self.expr(expr));
        match &self.row.position {
            _ if by.is(0) => {}
            Position::Known(number) => moved.constant = moved.constant + by * Dim::from(*number),
            Position::Computed(_) => moved.computed.push((Expr::Value(self.row.name), by)),
        }
        moved
    }

    fn expr(&self, expr: &Expr) -> Expr {
        visit::replaced(expr, &mut |inner| {
            if let Expr::Value(value) = inner {
                return Some(Expr::Value(self.value(*value)));
            }
            if let Expr::Load(buffer, address) = inner {
                return Some(Expr::Load(*buffer, Box::new(self.address(address))));
            }
            let Expr::Position { constant, terms } = inner else { return None };
            let place =
                Address { constant: constant.clone(), terms: terms.clone(), ..Address::default() };
            let Address { constant, terms, computed } = self.address(&place);
            let rest = Expr::Position { constant, terms };
            Some(computed.into_iter().fold(rest, |sum, (expr, by)| {
                let by = Expr::Position { constant: by, terms: Vec::new() };
                let product = Expr::Binary(Binary::Mul, Box::new(expr), Box::new(by));
                Expr::Binary(Binary::Add, Box::new(sum), Box::new(product))
            }))
        })
    }

    fn statement(&self, statement: &Statement) -> Statement {
        let Statement::Let { value, element, expr } = statement else { return statement.clone() };
        Statement::Let { value: self.value(*value), element: *element, expr: self.expr(expr) }
    }
}

/// Without values that nobody uses.
pub(super) fn prune(body: Vec<Statement>, used: &mut BTreeSet<Name>) -> Vec<Statement> {
    let mut found = Vec::new();
    for statement in body.into_iter().rev() {
        let statement = match statement {
            Statement::Let { value, .. } if !used.contains(&Name::Value(value)) => continue,
            Statement::For(inner) => {
                let body = prune(inner.body, used);
                Statement::For(For { body, ..inner })
            }
            Statement::If { condition, body } => {
                Statement::If { condition, body: prune(body, used) }
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::Mma(_)
            | Statement::Sync => statement,
        };
        names(&statement, used);
        found.push(statement);
    }
    found.reverse();
    found
}

/// Adds the names that a statement uses.
fn names(statement: &Statement, used: &mut BTreeSet<Name>) {
    visit::own_expressions(statement, &mut |expr| {
        visit::names(expr, &mut |name| {
            used.insert(name);
        });
    });
}
