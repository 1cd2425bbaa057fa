//! Where nodes come from: numbers for the compiler, spans for rustc.

use defn_codegen::origin::Origin;
use proc_macro2::Span;

/// The spans of the entry function, by number; number 0 is what no user wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    spans: Vec<Span>,
}

impl Origins {
    /// The number of a place.
    pub(super) fn number(&mut self, span: Span) -> Origin {
        self.spans.push(span);
        u32::try_from(self.spans.len()).map_or(Origin::NONE, Origin)
    }

    /// The place of a number.
    pub(crate) fn span(&self, origin: Origin) -> Option<Span> {
        self.spans.get((origin.0 as usize).checked_sub(1)?).copied()
    }
}
