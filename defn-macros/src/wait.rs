//! Waiting until everything that an item mentions has answered.
//!
//! An import is resolved only after every other pending expansion had its turn, so
//! `use ::defn::__private::__compile as again; again!{ state }` costs one round and lets the others go first.
//! Ordinary crates need no round or one. If nothing becomes known for [`PATIENCE`] rounds,
//! some name does not exist, and rustc is about to say which: then we stop quietly.
//!
//! The item travels in the state, since neither tokens nor spans outlive an expansion.

use crate::{
    facade::Facade,
    table::{Below, Cause, table},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    LitInt, LitStr, braced,
    parse::{Parse, ParseStream},
};

/// Rounds without news before an item stops waiting; rustc's limit for nested expansions is 128.
const PATIENCE: usize = 60;
/// Rounds in all.
const ROUNDS: usize = 100;

/// What an expansion hands to the one that follows it.
pub(crate) struct State {
    /// The number of what is compiled.
    pub(crate) uid: String,
    /// `item`, or the word of a request.
    pub(crate) kind: Ident,
    /// Where the facade is.
    pub(crate) facade: Facade,
    /// What stood in the parentheses of the attribute.
    pub(crate) options: TokenStream,
    /// The item or the request as it was written.
    pub(crate) tokens: TokenStream,
    round: usize,
    facts: usize,
    still: usize,
}

/// What to do.
pub(crate) enum Turn {
    /// Everything answered; nothing has a mistake.
    Whole,
    /// Everything answered, and a mistake below was told.
    Broken(Cause),
    /// It reaches itself.
    Cycle(Vec<String>),
    /// Not yet: these tokens ask again.
    Again(TokenStream),
    /// Never.
    GiveUp,
}

impl State {
    /// The first state.
    pub(crate) fn new(
        uid: &str,
        kind: &str,
        facade: &Facade,
        options: TokenStream,
        tokens: TokenStream,
    ) -> Self {
        let kind = Ident::new(kind, Span::call_site());
        Self {
            uid: uid.to_owned(),
            kind,
            facade: facade.clone(),
            options,
            tokens,
            round: 0,
            facts: 0,
            still: 0,
        }
    }

    /// Whether items may stand here, or an expression must.
    pub(crate) fn is_item(&self) -> bool {
        self.kind == "item"
    }

    /// The tokens that let all others go first.
    pub(crate) fn yield_turn(&self) -> TokenStream {
        let Self { uid, kind, facade, options, tokens, round, facts, still } = self;
        let again = format_ident!("__defn_again_{uid}_{round}", span = Span::call_site());
        let call = quote! {
            #[doc(hidden)]
            use #facade::__private::__compile as #again;
            #again ! { #uid #kind {#facade} {#options} {#tokens} #round #facts #still }
        };
        if self.is_item() { call } else { quote!({ #call }) }
    }

    /// Looks whether the time has come.
    pub(crate) fn turn(mut self) -> (Self, Turn) {
        let mut table = table();
        let below = table.below(&self.uid);
        let facts = table.facts();
        drop(table);
        let turn = match below {
            Below::Whole => Turn::Whole,
            Below::Broken(cause) => Turn::Broken(cause),
            Below::Cycle(names) => Turn::Cycle(names),
            Below::Waiting => {
                self.still = if facts == self.facts { self.still + 1 } else { 0 };
                self.facts = facts;
                self.round += 1;
                if self.still >= PATIENCE || self.round > ROUNDS {
                    Turn::GiveUp
                } else {
                    Turn::Again(self.yield_turn())
                }
            }
        };
        (self, turn)
    }
}

impl Parse for State {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        fn group(input: ParseStream<'_>) -> syn::Result<TokenStream> {
            let content;
            braced!(content in input);
            content.parse()
        }
        let number = |input: ParseStream<'_>| input.parse::<LitInt>()?.base10_parse::<usize>();
        Ok(Self {
            uid: input.parse::<LitStr>()?.value(),
            kind: input.parse()?,
            facade: Facade(group(input)?),
            options: group(input)?,
            tokens: group(input)?,
            round: number(input)?,
            facts: number(input)?,
            still: number(input)?,
        })
    }
}
