//! Positions that are computed, in the place of variables.
//!
//! ```text
//! before                         after, where row = %7 + 1
//! load x[(k)*i0 + i2]            load x[(k)*@(%7) + i2 + k]
//! pos(i0)                        add(pos(1), %7)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Binary, Dim};
use crate::loops::visit::{self, Name};
use crate::loops::{Address, Expr, For, Statement, ValueId, VariableId};

/// What stands for variables, and for values that depend on them.
#[derive(Clone, Default)]
pub(super) struct Places {
    pub(super) variables: BTreeMap<VariableId, Address>,
    pub(super) values: BTreeMap<ValueId, ValueId>,
}

impl Places {
    /// An expression at its place.
    pub(super) fn expr(&self, expr: &Expr) -> Expr {
        visit::replaced(expr, &mut |inner| match inner {
            Expr::Value(value) => self.values.get(value).copied().map(Expr::Value),
            Expr::Position { constant, terms } => {
                let (constant, terms) = (constant.clone(), terms.clone());
                let place = Address { constant, terms, computed: Vec::new() };
                Some(number_of(self.address(&place)))
            }
            Expr::Load(buffer, address) => {
                Some(Expr::Load(*buffer, Box::new(self.address(address))))
            }
            Expr::Constant(_)
            | Expr::Register(_)
            | Expr::Combine(..)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::Compare(..)
            | Expr::Select(..)
            | Expr::MultiplyAdd(..)
            | Expr::Convert(..)
            | Expr::Bits(_)
            | Expr::Shift { .. } => None,
        })
    }

    /// An address at its place.
    pub(super) fn address(&self, address: &Address) -> Address {
        let mut out = Address { constant: address.constant.clone(), ..Address::default() };
        for (variable, by) in &address.terms {
            match self.variables.get(variable) {
                None => out.add_term(*variable, by),
                Some(place) => out.add_scaled(place, by),
            }
        }
        let computed = address.computed.iter();
        out.computed.extend(computed.map(|(expr, by)| (self.expr(expr), by.clone())));
        out
    }

    /// A statement at its place.
    pub(super) fn statement(&self, statement: &Statement) -> Statement {
        let all = |body: &[Statement]| body.iter().map(|inner| self.statement(inner)).collect();
        match statement {
            Statement::For(inner) => Statement::For(For {
                clip: inner.clip.as_ref().map(|clip| self.address(clip)),
                body: all(&inner.body),
                ..inner.clone()
            }),
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
            Statement::Store { buffer, address, expr } => Statement::Store {
                buffer: *buffer,
                address: self.address(address),
                expr: self.expr(expr),
            },
            Statement::If { condition, body } => {
                Statement::If { condition: self.expr(condition), body: all(body) }
            }
            Statement::Mma(mma) => Statement::Mma(mma.with(&|expr| self.expr(expr))),
            Statement::Sync => Statement::Sync,
        }
    }
}

/// A place as an `i64`.
pub(super) fn number_of(place: Address) -> Expr {
    let Address { constant, terms, computed } = place;
    let is_nothing = constant.is(0) && terms.is_empty();
    let affine = Expr::Position { constant, terms };
    let parts = computed.into_iter().map(|(expr, by)| {
        if by.is(1) {
            return expr;
        }
        let by = Expr::Position { constant: by, terms: Vec::new() };
        Expr::Binary(Binary::Mul, Box::new(expr), Box::new(by))
    });
    let sum = |left, right| Expr::Binary(Binary::Add, Box::new(left), Box::new(right));
    let all = (!is_nothing).then_some(affine.clone()).into_iter().chain(parts);
    all.reduce(sum).unwrap_or(affine)
}

/// Removes values that nothing behind them uses.
pub(super) fn unused(body: &mut Vec<Statement>) {
    let mut used: BTreeSet<ValueId> = BTreeSet::new();
    let mut kept = Vec::new();
    while let Some(statement) = body.pop() {
        if matches!(&statement, Statement::Let { value, .. } if !used.contains(value)) {
            continue;
        }
        visit::statements(std::slice::from_ref(&statement), &mut |inner| {
            visit::own_expressions(inner, &mut |expr| {
                visit::names(expr, &mut |name| {
                    if let Name::Value(value) = name {
                        used.insert(value);
                    }
                });
            });
        });
        kept.push(statement);
    }
    kept.reverse();
    *body = kept;
}

/// `constant + Σ coefficient · variable + Σ coefficient · value`.
pub(super) fn place(
    constant: impl Into<Dim>,
    variables: &[(VariableId, i64)],
    values: &[(ValueId, i64)],
) -> Address {
    let mut place = Address { constant: constant.into(), ..Address::default() };
    for (variable, by) in variables {
        place.add_term(*variable, &Dim::from(*by));
    }
    let values = values.iter().map(|(value, by)| (Expr::Value(*value), Dim::from(*by)));
    place.computed.extend(values);
    place
}
