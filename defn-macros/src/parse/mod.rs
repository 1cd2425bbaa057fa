//! Tokens to surface: what the user wrote, with every syntax mistake found on the way.
//!
//! In: the tokens of one item, and those of its attribute.
//! Out: a [`Definition`], the [`Declaration`] around it that only rustc cares about, and the mistakes.
//!
//! Reading never stops at a mistake: it is noted, something harmless takes its place, and reading goes on,
//! so that all mistakes are shown at once and the signature survives for the fallback.
//! Never here: what a name means. Only whether a word is a local is known, as calls depend on it.

mod refusals;
mod words;
mod scope;
mod attribute;
mod depth;
mod item;
mod function;
mod generics;
mod ty;
mod extent;
mod pattern;
mod block;
mod expr;
mod call;
mod request;

use self::scope::Scope;
pub(crate) use self::{refusals::Refusal, words::is_reserved};
use crate::{
    report::Mistake,
    surface::{Definition, Name, Path, Request, RequestKind},
};
use proc_macro2::{Ident, Span, TokenStream};

/// What was read of an item.
pub(crate) struct Item {
    /// What the compiler needs.
    pub(crate) definition: Definition,
    /// What rustc needs.
    pub(crate) declaration: Declaration,
    /// What is wrong with it.
    pub(crate) mistakes: Vec<Mistake>,
    /// Whether it can only stand in an `impl` or a trait, where no item may stand beside it.
    pub(crate) is_method: bool,
}

/// The parts of an item that mean nothing to the compiler, as tokens of the user.
pub(crate) struct Declaration {
    /// Documentation, lints, derives.
    pub(crate) attributes: Vec<syn::Attribute>,
    /// `pub` and its like, perhaps empty.
    pub(crate) visibility: TokenStream,
    /// Whether it is plain `pub`.
    pub(crate) is_public: bool,
    /// `fn`, `struct`, `const`, `type`.
    pub(crate) keyword: Ident,
    /// The braces around the body or the fields.
    pub(crate) braces: Span,
    /// Attributes and visibility of each field of a container.
    pub(crate) fields: Vec<(Vec<syn::Attribute>, TokenStream)>,
    /// The value of a constant.
    pub(crate) value: TokenStream,
    /// `self` in any form: then the function stands in an `impl`.
    pub(crate) receiver: Option<TokenStream>,
}

/// Reads the item under `#[defn]`; without a definition, only the mistakes are of use.
pub(crate) fn parse(options: TokenStream, item: TokenStream) -> Result<Item, Vec<Mistake>> {
    if let Some(span) = depth::too_deep(&item) {
        return Err(vec![Mistake { message: Refusal::TooDeep.message(), span }]);
    }
    let parsed: syn::Item = syn::parse2(item).map_err(|error| unread(error).collect::<Vec<_>>())?;
    let mut reader = Reader::default();
    match reader.item(parsed, options) {
        Some((definition, declaration)) => Ok(Item {
            definition,
            declaration,
            mistakes: reader.mistakes,
            is_method: reader.is_method,
        }),
        None => Err(reader.mistakes),
    }
}

/// Reads what stands in the parentheses of `grad!(…)` where Rust, not the language, calls it.
pub(crate) fn parse_request(
    kind: RequestKind,
    tokens: TokenStream,
) -> Result<(Request, Vec<Path>), Vec<Mistake>> {
    if let Some(span) = depth::too_deep(&tokens) {
        return Err(vec![Mistake { message: Refusal::TooDeep.message(), span }]);
    }
    let mut reader = Reader::default();
    // The word itself is the facade's: rustc would show the whole call, and how it came about.
    let first = tokens.clone().into_iter().next();
    let span = first.map_or_else(Span::call_site, |token| token.span());
    let request = reader.request(kind, span, tokens);
    match request {
        Some(request) if reader.mistakes.is_empty() => Ok((request, reader.scope.callees)),
        _ => Err(reader.mistakes),
    }
}

/// One reading of one item.
#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
    is_method: bool,
    scope: Scope,
    /// The places of every `inspect!` and `check!` so far.
    hooks: Vec<Span>,
}

impl Reader {
    /// Notes that something is not part of the language.
    fn refuse(&mut self, refusal: &Refusal, span: Span) {
        let is_method = matches!(refusal, Refusal::Method);
        // A receiver is used, and what is used is the receiver: one mistake.
        if is_method && std::mem::replace(&mut self.is_method, true) {
            return;
        }
        self.mistakes.push(Mistake { message: refusal.message(), span });
    }
}

/// What `syn` could not read, in its own words.
fn unread(error: syn::Error) -> impl Iterator<Item = Mistake> {
    error.into_iter().map(|error| Mistake { message: error.to_string(), span: error.span() })
}

/// The user's word.
fn name(ident: &Ident) -> Name {
    let text = ident.to_string();
    let text = text.strip_prefix("r#").map(str::to_owned).unwrap_or(text);
    Name { text, ident: ident.clone() }
}

/// The user's path, without arguments.
fn path(path: &syn::Path) -> Path {
    Path {
        leading: path.leading_colon.is_some(),
        segments: path.segments.iter().map(|segment| segment.ident.clone()).collect(),
    }
}
