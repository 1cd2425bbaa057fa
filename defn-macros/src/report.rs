//! Mistakes to tokens: `compile_error!` at the guilty token.
//!
//! In: sentences with spans.   Out: one `compile_error!` for each, which rustc shows as errors of its own.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// One sentence about the user's program.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    /// What is wrong, facts, help, the rule's name; several lines.
    pub(crate) message: String,
    /// The smallest guilty token.
    pub(crate) span: Span,
}

/// The tokens that make rustc say them, in order.
pub(crate) fn report(mistakes: &[Mistake]) -> TokenStream {
    mistakes
        .iter()
        .map(
            |Mistake { message, span }| quote_spanned!(*span=> ::core::compile_error! { #message }),
        )
        .collect()
}
