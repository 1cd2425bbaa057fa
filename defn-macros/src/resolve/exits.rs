//! One round of a loop, and where `break` leaves it (R30).
//!
//! ```text
//! while a {
//!     if b { break }          first: the loop goes on while `a && !b`
//!     …
//!     if c { break }          last: a truth value of the state says whether there is another round
//! }
//! ```
//!
//! A `break` anywhere else is an expression without a meaning.

use crate::surface::{Block, Expr, ExprKind, Statement};
use proc_macro2::Span;

/// What is between the exits.
pub(super) struct Round<'s> {
    /// The condition of `break` in front.
    pub(super) first: Option<&'s Expr>,
    /// In order.
    pub(super) statements: &'s [Statement],
    /// The value of the round.
    pub(super) value: Option<&'s Expr>,
    /// The condition of `break` at the end.
    pub(super) last: Option<&'s Expr>,
    /// The closing brace.
    pub(super) end: Span,
}

impl<'s> Round<'s> {
    /// The round that a block is.
    pub(super) fn of(block: &'s Block) -> Self {
        let (mut first, mut last) = (None, None);
        let (mut statements, mut value) = (block.statements.as_slice(), block.value.as_deref());
        if let [Statement::Expr(expr), rest @ ..] = statements
            && let Some(condition) = exit(expr)
        {
            (first, statements) = (Some(condition), rest);
        }
        if let Some(condition) = value.and_then(exit) {
            // What is alone is in front: it is asked before each round.
            let only = first.is_none() && statements.is_empty();
            *(if only { &mut first } else { &mut last }) = Some(condition);
            value = None;
        } else if let (None, [rest @ .., Statement::Expr(expr)]) = (value, statements)
            && let Some(condition) = exit(expr)
        {
            (last, statements) = (Some(condition), rest);
        }
        Self { first, statements, value, last, end: block.span }
    }

    /// The first condition of `break`.
    pub(super) fn exit(&self) -> Option<&'s Expr> {
        self.first.or(self.last)
    }

    /// The place of its value, or where one would stand.
    pub(super) fn span(&self) -> Span {
        self.value.map_or(self.end, |value| value.span)
    }
}

/// The condition of `if condition { break }`.
fn exit(expr: &Expr) -> Option<&Expr> {
    let ExprKind::If(branch) = &expr.kind else { return None };
    let leaves = match (branch.then.statements.as_slice(), branch.then.value.as_deref()) {
        ([Statement::Expr(only)], None) | ([], Some(only)) => matches!(only.kind, ExprKind::Break),
        _ => false,
    };
    (leaves && branch.otherwise.is_none()).then_some(&branch.condition)
}
