//! One row of a state that changes, where the others stay as they are.
//!
//! ```text
//! before                                                                 after
//! for i in 0..n { for j in 0..m {                                        for j in 0..m {
//!   store t[m*i + j] = select(eq(pos(i), 2), f(load s[2*m + j]), load s[m*i + j])   store s[2*m + j] = f(load s[2*m + j])
//! } }                                                                    }
//! for i in 0..n*m { store s[i] = load t[i] }
//! ```
//!
//! The position must be known, so that what is read is surely what changes, element by element.

use std::collections::BTreeSet;

use crate::graph::{Comparison, Dim, Element};
use crate::loops::visit::{self, Name, Rename};
use crate::loops::{Address, BufferId, Expr, For, Statement, ValueId, VariableId};

/// The statements that change one row of `old`, if the ones that write `new` copy all others from there.
pub(super) fn row(body: &[Statement], new: BufferId, old: BufferId) -> Option<Vec<Statement>> {
    let mut chain = Chain::default();
    let (buffer, address, expr) = chain.walk(body)?;
    let Expr::Select(condition, then, otherwise) = chain.known(expr) else { return None };
    let Expr::Load(from, place) = chain.known(otherwise) else { return None };
    let stays = (buffer, *from, &**place) == (new, old, address) && address.computed.is_empty();
    let (variable, position) = chain.test(condition).filter(|_| stays)?;
    let along = chain.loops.iter().find(|it| it.variable == variable)?;
    let extent = along.extent.as_constant()?;
    if along.clip.is_some() || !(0..extent).contains(&position) {
        return None;
    }
    let fixed = Fixed { variable, position: Dim::from(position) };
    let address = visit::rename_address(address, &fixed);
    let expr = visit::rename_expr(then, &fixed);
    let store = Statement::Store { buffer: old, address: address.clone(), expr };
    let mut used = BTreeSet::new();
    let found = fixed.rest(body, &store, &mut used);
    let mut is_alone = true;
    visit::addresses(&found, &mut |buffer, place, _| {
        is_alone &= buffer != old || *place == address;
    });
    is_alone.then_some(found)
}

/// Loops in each other, with nothing but values in them and one store in the innermost.
#[derive(Default)]
struct Chain<'s> {
    values: Vec<(ValueId, &'s Expr)>,
    loops: Vec<&'s For>,
}

impl<'s> Chain<'s> {
    /// The store.
    fn walk(&mut self, body: &'s [Statement]) -> Option<(BufferId, &'s Address, &'s Expr)> {
        let (last, front) = body.split_last()?;
        for statement in front {
            let Statement::Let { value, element: _, expr } = statement else { return None };
            self.values.push((*value, expr));
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

    /// What a name stands for.
    fn known<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        's: 'e,
    {
        let Expr::Value(value) = expr else { return expr };
        let found = self.values.iter().find(|(name, _)| name == value);
        found.map_or(expr, |(_, expr)| self.known(expr))
    }

    /// The loop whose position is compared with a number, and the number.
    fn test(&self, condition: &Expr) -> Option<(VariableId, i64)> {
        let Expr::Compare(Comparison::Eq, left, right) = self.known(condition) else { return None };
        let (left, right) = (self.known(left), self.known(right));
        let found = |one: &Expr, other: &Expr| Some((counter(one)?, number(other)?));
        found(left, right).or_else(|| found(right, left))
    }
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

/// A number in place of the position of a loop.
struct Fixed {
    variable: VariableId,
    position: Dim,
}

impl Rename for Fixed {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        (variable == self.variable).then(|| (self.position.clone(), Vec::new()))
    }
}

impl Fixed {
    /// The chain with another store, without the loop, and without what nobody uses then.
    fn rest(
        &self,
        body: &[Statement],
        store: &Statement,
        used: &mut BTreeSet<Name>,
    ) -> Vec<Statement> {
        let mut found = match body.last() {
            Some(Statement::For(inner)) => {
                let body = self.rest(&inner.body, store, used);
                match inner.variable == self.variable {
                    true => body,
                    false => vec![Statement::For(For { body, ..inner.clone() })],
                }
            }
            _ => {
                names(store, used);
                vec![store.clone()]
            }
        };
        for statement in body.iter().rev().skip(1) {
            if let Statement::Let { value, .. } = statement
                && used.contains(&Name::Value(*value))
            {
                let statement = visit::rename_statement(statement, self);
                names(&statement, used);
                found.insert(0, statement);
            }
        }
        found
    }
}

/// Adds the names that a statement uses.
fn names(statement: &Statement, used: &mut BTreeSet<Name>) {
    visit::own_expressions(statement, &mut |expr| {
        visit::names(expr, &mut |name| {
            used.insert(name);
        });
    });
}
