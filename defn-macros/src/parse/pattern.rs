//! What `let` and `for` bind.

use super::{Reader, Refusal, name};
use crate::surface::{Pattern, PatternKind};
use proc_macro2::Span;
use syn::{Pat, spanned::Spanned};

/// The telling part of a pattern: all of a tuple, the first word of others.
pub(super) fn pattern_span(pattern: &Pat) -> Span {
    match pattern {
        Pat::Tuple(tuple) => tuple.paren_token.span.join(),
        other => other.span(),
    }
}

impl Reader {
    /// Reads a pattern, and binds its names when [`Reader::bind`] is called.
    pub(super) fn pattern(&mut self, pattern: &Pat) -> Pattern {
        match pattern {
            Pat::Paren(paren) => self.pattern(&paren.pat),
            Pat::Wild(wild) => {
                Pattern { kind: PatternKind::Wildcard, span: wild.underscore_token.span }
            }
            Pat::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| self.pattern(part)).collect();
                Pattern { kind: PatternKind::Tuple(parts), span: tuple.paren_token.span.join() }
            }
            Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
                let name = name(&ident.ident);
                let span = name.span();
                Pattern {
                    kind: PatternKind::Name { name, mutable: ident.mutability.is_some() },
                    span,
                }
            }
            other => {
                self.refuse(&Refusal::Pattern, other.span());
                Pattern { kind: PatternKind::Wildcard, span: other.span() }
            }
        }
    }

    /// From here on the names of the pattern are locals.
    pub(super) fn bind(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Name { name, .. } => self.scope.bind(name),
            PatternKind::Tuple(parts) => parts.iter().for_each(|part| self.bind(part)),
            PatternKind::Wildcard => {}
        }
    }
}
