//! New names for copies of statements, and the conditions that choose between copies.
//!
//! ```text
//! before                                after: a copy under names of its own
//! for i in 0..n { let %0 = … }          for i7 in 0..n { let %9 = … }
//! ```
//!
//! Names are unique in a function, so whatever is written twice is renamed once.

use std::collections::BTreeMap;

use crate::graph::{Binary, Comparison, Dim, Element, Scalar, Unary};
use crate::loops::visit::{self, Rename};
use crate::loops::{Control, Expr, For, Loops, RegisterId, Statement, ValueId, VariableId};

/// Counters behind the names in use.
pub(super) struct Names {
    variables: u32,
    values: u32,
    registers: u32,
}

impl Names {
    pub(super) fn of(loops: &Loops) -> Self {
        let mut names = Self { variables: 0, values: 0, registers: 0 };
        for nest in &loops.nests {
            if let Some(variable) = nest.control.as_ref().and_then(Control::variable) {
                names.variables = names.variables.max(variable.0 + 1);
            }
            visit::statements(&nest.body, &mut |statement| match statement {
                Statement::For(inner) => {
                    names.variables = names.variables.max(inner.variable.0 + 1);
                }
                Statement::Let { value, .. } => names.values = names.values.max(value.0 + 1),
                Statement::Declare { register, .. } => {
                    names.registers = names.registers.max(register.0 + 1);
                }
                Statement::Sync
                | Statement::Mma(_)
                | Statement::Set { .. }
                | Statement::Store { .. }
                | Statement::If { .. } => {}
            });
        }
        names
    }

    pub(super) fn variable(&mut self) -> VariableId {
        self.variables += 1;
        VariableId(self.variables - 1)
    }

    pub(super) fn value(&mut self) -> ValueId {
        self.values += 1;
        ValueId(self.values - 1)
    }

    pub(super) fn register(&mut self) -> RegisterId {
        self.registers += 1;
        RegisterId(self.registers - 1)
    }

    /// A copy of statements under new names.
    pub(super) fn copy(&mut self, statements: &[Statement]) -> Vec<Statement> {
        let mut fresh = Fresh::default();
        visit::statements(statements, &mut |statement| match statement {
            Statement::For(inner) => {
                fresh.variables.insert(inner.variable, self.variable());
            }
            Statement::Let { value, .. } => {
                fresh.values.insert(*value, self.value());
            }
            Statement::Declare { register, .. } => {
                fresh.registers.insert(*register, self.register());
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::If { .. } => {}
        });
        statements.iter().map(|statement| fresh.statement(statement)).collect()
    }
}

/// New names for old ones.
#[derive(Default)]
pub(super) struct Fresh {
    pub(super) variables: BTreeMap<VariableId, VariableId>,
    pub(super) values: BTreeMap<ValueId, ValueId>,
    pub(super) registers: BTreeMap<RegisterId, RegisterId>,
}

impl Fresh {
    /// A statement under the new names, with the variables of its loops.
    fn statement(&self, statement: &Statement) -> Statement {
        let all = |body: &[Statement]| body.iter().map(|inner| self.statement(inner)).collect();
        match statement {
            Statement::For(inner) => Statement::For(For {
                variable: self.variables.get(&inner.variable).copied().unwrap_or(inner.variable),
                clip: inner.clip.as_ref().map(|clip| visit::rename_address(clip, self)),
                body: all(&inner.body),
                ..inner.clone()
            }),
            Statement::If { condition, body } => {
                Statement::If { condition: visit::rename_expr(condition, self), body: all(body) }
            }
            Statement::Sync
            | Statement::Mma(_)
            | Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. } => visit::rename_statement(statement, self),
        }
    }
}

impl Rename for Fresh {
    fn variable(&self, variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        let fresh = self.variables.get(&variable)?;
        Some((Dim::default(), vec![(*fresh, Dim::from(1))]))
    }
    fn value(&self, value: ValueId) -> ValueId {
        self.values.get(&value).copied().unwrap_or(value)
    }
    fn register(&self, register: RegisterId) -> RegisterId {
        self.registers.get(&register).copied().unwrap_or(register)
    }
}

/// An extent, or a position, as a value.
pub(super) fn position(constant: Dim, variable: Option<VariableId>) -> Expr {
    let terms = variable.into_iter().map(|variable| (variable, Dim::from(1))).collect();
    Expr::Position { constant, terms }
}

pub(super) fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    Expr::Compare(comparison, Box::new(left), Box::new(right))
}

pub(super) fn number(value: i64) -> Expr {
    Expr::Constant(Scalar::from_i64(Element::I64, value))
}

/// When a form is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Always,
    /// If this holds, and not if that does.
    If(Expr, Expr),
    Never,
}

/// Whether conditions that hold say that an extent is below a bound.
pub(super) fn is_below(dim: &Dim, bound: i64, known: &[Expr]) -> bool {
    limits(dim, known).1 < bound
}

/// Between which numbers conditions that hold say that an extent is.
fn limits(dim: &Dim, known: &[Expr]) -> (i64, i64) {
    known.iter().fold((i64::MIN, i64::MAX), |(least, most), condition| {
        let (from, to) = limits_of(dim, condition);
        (least.max(from), most.min(to))
    })
}

/// The same for one condition.
fn limits_of(dim: &Dim, condition: &Expr) -> (i64, i64) {
    let unknown = (i64::MIN, i64::MAX);
    if let Expr::Binary(Binary::And, left, right) = condition {
        let ((a, b), (c, d)) = (limits_of(dim, left), limits_of(dim, right));
        return (a.max(c), b.min(d));
    }
    let (condition, holds) = if let Expr::Unary(Unary::Not, refuted) = condition {
        (&**refuted, false)
    } else {
        (condition, true)
    };
    let Expr::Compare(comparison, left, right) = condition else { return unknown };
    let Expr::Constant(limit) = &**right else { return unknown };
    if !matches!(&**left, Expr::Position { constant, terms } if constant == dim && terms.is_empty())
    {
        return unknown;
    }
    let limit = limit.to_i64();
    match (comparison, holds) {
        (Comparison::Ge, true) => (limit, i64::MAX),
        (Comparison::Ge, false) => (i64::MIN, limit.saturating_sub(1)),
        (Comparison::Le, true) => (i64::MIN, limit),
        (Comparison::Le, false) => (limit.saturating_add(1), i64::MAX),
        (Comparison::Eq | Comparison::Ne | Comparison::Lt | Comparison::Gt, _) => unknown,
    }
}

/// Whether all of some bounds on extents hold; decided now where they are known, or follow from conditions that hold.
pub(super) fn choice(conditions: &[(Dim, Comparison, i64)], known: &[Expr]) -> Choice {
    let mut open: Option<Expr> = None;
    for (dim, comparison, bound) in conditions {
        let (least, most) = match dim.as_constant() {
            Some(known) => (known, known),
            None => limits(dim, known),
        };
        let (always, never) = if *comparison == Comparison::Ge {
            (least >= *bound, most < *bound)
        } else {
            (most <= *bound, least > *bound)
        };
        if never {
            return Choice::Never;
        }
        if always {
            continue;
        }
        let holds = compare(*comparison, position(dim.clone(), None), number(*bound));
        open = Some(match open {
            None => holds,
            Some(others) => Expr::Binary(Binary::And, Box::new(others), Box::new(holds)),
        });
    }
    match open {
        None => Choice::Always,
        Some(holds) => {
            let not = Expr::Unary(Unary::Not, Box::new(holds.clone()));
            Choice::If(holds, not)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Symbol;

    /// The choice by a bound on an extent, where a comparison of it holds, or does not.
    fn check(bound: (Comparison, i64), (is, limit): (Comparison, i64), holds: bool) -> Choice {
        let extent = Dim::from(Symbol(0));
        let condition = compare(is, position(extent.clone(), None), number(limit));
        let other = compare(is, position(extent.clone() + Dim::from(1), None), number(limit));
        let known = if holds {
            Expr::Binary(Binary::And, Box::new(other), Box::new(condition))
        } else {
            Expr::Unary(Unary::Not, Box::new(condition))
        };
        choice(&[(extent, bound.0, bound.1)], &[known])
    }

    #[test]
    fn what_conditions_around_decide_is_no_choice() {
        use Comparison::{Ge, Le};
        assert_eq!(check((Le, 8), (Ge, 9), true), Choice::Never);
        assert_eq!(check((Le, 8), (Le, 8), true), Choice::Always);
        assert_eq!(check((Le, 8), (Le, 8), false), Choice::Never);
        assert_eq!(check((Ge, 8), (Ge, 8), true), Choice::Always);
        assert_eq!(check((Ge, 8), (Ge, 8), false), Choice::Never);
        assert_eq!(check((Ge, 8), (Le, 7), true), Choice::Never);
    }

    #[test]
    fn what_conditions_around_leave_open_is_a_choice() {
        use Comparison::{Ge, Le, Lt};
        let is_open = |choice| matches!(choice, Choice::If(..));
        assert!(is_open(check((Le, 8), (Ge, 8), true)));
        assert!(is_open(check((Le, 8), (Le, 9), true)));
        assert!(is_open(check((Ge, 8), (Le, 8), true)));
        assert!(is_open(check((Ge, 8), (Ge, 9), false)));
        assert!(is_open(check((Ge, 8), (Lt, 8), true)));
        let extent = |symbol| position(Dim::from(Symbol(symbol)), None);
        let of_another = compare(Ge, extent(1), number(8));
        assert!(is_open(choice(&[(Dim::from(Symbol(0)), Ge, 8)], &[of_another])));
    }
}
