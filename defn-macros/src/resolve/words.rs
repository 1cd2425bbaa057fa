//! The words that a piece of a body mentions, before anything of it is resolved.
//!
//! A word may mean a local of the piece itself; it then is one too many here, which costs nothing:
//! what a body does not use is no parameter of it, and what it does not change is no state.

use crate::surface::{Block, Expr, ExprKind, Seen, UnaryOp, walk_block, walk_expr};
use proc_macro2::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Words with what is done with them.
#[derive(Default)]
pub(super) struct Words<'s> {
    /// Every bare word.
    pub(super) read: BTreeSet<&'s str>,
    /// The words of places that are assigned to or passed as `&mut`, with the first place.
    pub(super) assigned: BTreeMap<&'s str, Span>,
}

impl<'s> Words<'s> {
    /// Adds those of a block.
    pub(super) fn block(mut self, block: &'s Block) -> Self {
        walk_block(block, &mut |seen| self.see(seen));
        self
    }

    /// Adds those of an expression.
    pub(super) fn expr(mut self, expr: &'s Expr) -> Self {
        walk_expr(expr, &mut |seen| self.see(seen));
        self
    }

    fn see(&mut self, seen: Seen<'s>) {
        match seen {
            Seen::Expr(Expr { kind: ExprKind::Name(name), .. }) => {
                self.read.insert(&name.text);
            }
            Seen::Place(place) => {
                if let Some(root) = root(place) {
                    self.assigned.entry(root).or_insert(place.span);
                }
            }
            Seen::Expr(_) | Seen::Pattern(_) => {}
        }
    }
}

/// The word that a place begins with.
fn root(place: &Expr) -> Option<&str> {
    match &place.kind {
        ExprKind::Name(name) => Some(&name.text),
        ExprKind::Field(base, _)
        | ExprKind::TupleIndex(base, _)
        | ExprKind::Index(base, _)
        | ExprKind::Unary(UnaryOp::Deref, base) => root(base),
        _ => None,
    }
}
