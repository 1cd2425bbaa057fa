//! What rustc gets to see: the user's functions and containers as Rust, and the code inside them.
//!
//! In: surfaces, declarations and compiled code.   Out: tokens.
//!
//! Generated tokens have call-site spans: rustc is silent about lints inside a foreign macro, so they stand
//! under `forbid(unsafe_code)` and `deny(missing_docs)` without a single `#[allow]`.
//! Only what lints should look at keeps the user's spans: keyword, name, types and braces of the item itself.
//! Paths begin at `::core` or at the facade, so they work in every edition and without std.

pub(crate) mod types;
pub(crate) mod signature;
pub(crate) mod function;
pub(crate) mod container;
pub(crate) mod shadow;
pub(crate) mod host_code;
mod device_code;
pub(crate) mod request;
pub(crate) mod tested;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};

/// The same tokens as if we had written them.
pub(crate) fn quiet(tokens: TokenStream) -> TokenStream {
    let quiet_tree = |tree: TokenTree| match tree {
        TokenTree::Group(group) => {
            let mut quieted = Group::new(group.delimiter(), quiet(group.stream()));
            quieted.set_span(Span::call_site());
            TokenTree::Group(quieted)
        }
        // Its span is what says which crate is meant.
        TokenTree::Ident(ident) if ident == "$crate" => TokenTree::Ident(ident),
        mut other => {
            other.set_span(Span::call_site());
            other
        }
    };
    tokens.into_iter().map(quiet_tree).collect()
}

/// Makes a way to call know where it is called from: a device that fails later says it.
pub(crate) fn tracked() -> Option<TokenStream> {
    cfg!(feature = "cuda").then(|| quote::quote!(#[track_caller]))
}

/// A word of ours that no word of the user can meet.
pub(crate) fn own(word: &str) -> Ident {
    Ident::new(word, Span::mixed_site())
}
