//! How deep brackets may nest.
//!
//! Reading and compiling call themselves for each bracket, inside rustc, whose stack ends the process when it is used up.
//! What nobody writes by hand is refused while it can still be said where.

use proc_macro2::{Span, TokenStream, TokenTree};

/// Well below what the stack of rustc holds in a build without optimisation, where 500 blocks were too many.
const DEEPEST: usize = 200;

/// The first token that stands in more brackets than that. Counts without calling itself.
pub(super) fn too_deep(tokens: &TokenStream) -> Option<Span> {
    let mut open = vec![tokens.clone().into_iter()];
    while let Some(innermost) = open.last_mut() {
        match innermost.next() {
            Some(TokenTree::Group(group)) if open.len() > DEEPEST => {
                return Some(group.span_open());
            }
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_)) => {}
            None => {
                open.pop();
            }
        }
    }
    None
}
