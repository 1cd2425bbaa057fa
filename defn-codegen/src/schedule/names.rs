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
    known.iter().any(|condition| {
        let Expr::Unary(Unary::Not, refuted) = condition else { return false };
        let Expr::Compare(Comparison::Ge, left, right) = &**refuted else { return false };
        let Expr::Constant(limit) = &**right else { return false };
        **left == position(dim.clone(), None) && limit.to_i64() <= bound
    })
}

/// Whether all of some bounds on extents hold; decided now where they are known, or follow from conditions that hold.
pub(super) fn choice(conditions: &[(Dim, Comparison, i64)], known: &[Expr]) -> Choice {
    let mut open: Option<Expr> = None;
    for (dim, comparison, bound) in conditions {
        if *comparison == Comparison::Ge && is_below(dim, *bound, known) {
            return Choice::Never;
        }
        if let Some(known) = dim.as_constant() {
            let ordering = known.cmp(bound);
            let holds =
                if *comparison == Comparison::Ge { ordering.is_ge() } else { ordering.is_le() };
            if !holds {
                return Choice::Never;
            }
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
