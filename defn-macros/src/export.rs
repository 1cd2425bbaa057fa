//! How definitions come from one crate to another.
//!
//! ```text
//! macro_rules! __defn_full_UID { … "text" ["UID of g" "UID of h"] … }      in the crate that defines
//! ```
//!
//! A library plants one such macro for each definition that its public ones reach:
//! its own private helpers, and those of third crates, each once, so that the size is linear.
//! A reader asks for a definition when a callee turns out to be foreign, and for its edges in turn.

use crate::{
    facade::Facade,
    invocation,
    table::{Entry, table},
    text,
};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::{
    Ident, LitInt, LitStr, braced, bracketed,
    parse::{Parse, ParseStream},
};

/// What other crates read of a public definition and of all below it.
pub(crate) fn export(uid: &str) -> TokenStream {
    if !invocation::get().is_library {
        return TokenStream::new();
    }
    let entries = table().take_unexported(uid);
    entries.iter().map(|(uid, entry)| plant(uid, entry)).collect()
}

fn plant(uid: &str, entry: &Entry) -> TokenStream {
    let hidden = full(uid);
    let (text, edges) = (&entry.text, entry.edges.values());
    let state = Ident::new(if entry.broken { "broken" } else { "whole" }, Span::call_site());
    quote! {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #hidden {
            ([$($acc:tt)*] [$($k:tt)*] $($rest:tt)*) => {
                $($k)* ! { [$($acc)* {$crate #state #text [#(#edges)*]}] $($rest)* }
            };
        }
    }
}

fn full(uid: &str) -> Ident {
    format_ident!("__defn_full_{uid}", span = Span::call_site())
}

/// The question to another crate for one of its definitions.
fn ask(krate: &TokenTree, uid: &str, facade: &Facade) -> TokenStream {
    let full = full(uid);
    quote!(#krate::#full ! { [] [#facade::__private::__met_foreign] {#facade} #uid })
}

/// A callee's answer: `[{$crate "home" "uid" "name"}] {facade} "asker" index`.
struct Met {
    krate: TokenTree,
    home: String,
    uid: String,
    name: String,
    facade: Facade,
    asker: String,
    index: usize,
}

impl Parse for Met {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (list, answer, facade);
        bracketed!(list in input);
        braced!(answer in list);
        let text = |input: ParseStream<'_>| Ok::<_, syn::Error>(input.parse::<LitStr>()?.value());
        let (krate, home) = (answer.parse()?, text(&answer)?);
        let (uid, name) = (text(&answer)?, text(&answer)?);
        braced!(facade in input);
        let facade = Facade(facade.parse()?);
        let (asker, index) = (text(input)?, input.parse::<LitInt>()?);
        // `#index` of an `usize` carries its suffix.
        Ok(Self { krate, home, uid, name, facade, asker, index: index.base10_parse()? })
    }
}

/// Notes who a callee is; one of another crate is asked for its definition.
pub(crate) fn met(input: TokenStream) -> syn::Result<TokenStream> {
    let met: Met = syn::parse2(input)?;
    let mut table = table();
    table.change(&met.asker, |asker| {
        asker.edges.insert(met.index, met.uid.clone());
    });
    if table.get(&met.uid).is_some() || met.home == invocation::get().identity {
        return Ok(TokenStream::new());
    }
    expect(&mut table, &met.uid, &met.name);
    Ok(ask(&met.krate, &met.uid, &met.facade))
}

/// From here on the definition is waited for.
fn expect(table: &mut crate::table::Table, uid: &str, name: &str) {
    table.insert(uid, Entry { name: name.to_owned(), expected: 1, ..Entry::default() });
}

/// Another crate's answer: `[{$crate whole "text" ["uid"…]}] {facade} "uid"`.
struct Foreign {
    krate: TokenTree,
    broken: bool,
    text: String,
    edges: Vec<String>,
    facade: Facade,
    uid: String,
}

impl Parse for Foreign {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (list, answer, list_of_edges, facade);
        bracketed!(list in input);
        braced!(answer in list);
        let krate = answer.parse()?;
        let broken = answer.parse::<Ident>()? == "broken";
        let text = answer.parse::<LitStr>()?.value();
        bracketed!(list_of_edges in answer);
        let mut edges = Vec::new();
        while !list_of_edges.is_empty() {
            edges.push(list_of_edges.parse::<LitStr>()?.value());
        }
        braced!(facade in input);
        let facade = Facade(facade.parse()?);
        Ok(Self { krate, broken, text, edges, facade, uid: input.parse::<LitStr>()?.value() })
    }
}

/// Notes a definition of another crate, and asks for those that it mentions.
pub(crate) fn met_foreign(input: TokenStream) -> syn::Result<TokenStream> {
    let Foreign { krate, broken, text, edges, facade, uid } = syn::parse2(input)?;
    let mut table = table();
    let mut questions = TokenStream::new();
    for edge in &edges {
        if table.get(edge).is_none() {
            expect(&mut table, edge, "");
            questions.extend(ask(&krate, edge, &facade));
        }
    }
    let entry = Entry {
        name: text::name(&text).to_owned(),
        expected: edges.len(),
        edges: edges.into_iter().enumerate().collect(),
        text,
        broken,
        ..Entry::default()
    };
    table.insert(&uid, entry);
    Ok(questions)
}
