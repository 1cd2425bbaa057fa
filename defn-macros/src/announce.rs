//! The first half of every expansion: who it is, what Rust needs to know of it, and the questions to all that it mentions.
//!
//! ```text
//! macro_rules! __defn_f_UID { … }  pub use __defn_f_UID as f;      the name that travels
//! pub fn f(…) { … }  pub enum f {}                                 what Rust sees
//! g!{ [] [::defn::__private::__met] … "UID" 0 }                    every callee, asked on its own
//! use ::defn::__private::__compile as again; again!{ … }           then we wait
//! ```
//!
//! Announced before anything is resolved, so that one misspelled callee is one error:
//! its callers find the name, and nothing cascades. Asked one by one, all typos are told at once.

use crate::{
    embed,
    facade::Facade,
    parse::{Declaration, Item, is_reserved},
    surface::{Definition, Path},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// Everything that stands as soon as the signature is read.
pub(crate) fn announce(item: &Item, uid: &str, facade: &Facade) -> TokenStream {
    let Item { definition, declaration, mistakes: _, is_method: _ } = item;
    let name = traveling_name(&definition.name().ident, what(definition), declaration, uid);
    let host = match definition {
        Definition::Function(function) => {
            embed::function::function(function, declaration, uid, facade)
        }
        Definition::Struct(container) => {
            embed::container::container(container, declaration, facade)
        }
        Definition::Constant(constant) => embed::container::constant(constant, declaration, facade),
        Definition::Alias(alias) => embed::container::alias(alias, declaration, facade),
    };
    quote!(#name #host)
}

/// What an item is, in the words of errors.
pub(crate) fn what(definition: &Definition) -> &'static str {
    match definition {
        Definition::Function(_) => "a function",
        Definition::Struct(_) => "a container",
        Definition::Constant(_) => "a constant",
        Definition::Alias(_) => "a type alias",
    }
}

/// The macro of the item's name: it says who the item is, to whoever asks.
fn traveling_name(name: &Ident, what: &str, declaration: &Declaration, uid: &str) -> TokenStream {
    let text = name.to_string();
    if is_reserved(&text) {
        // Refused already; a macro of this name would make every use of std's ambiguous.
        return TokenStream::new();
    }
    let word = text.strip_prefix("r#").unwrap_or(&text);
    let hidden = format_ident!("__defn_{word}_{uid}", span = Span::call_site());
    let home = &crate::invocation::get().identity;
    let (export, visibility) = if declaration.is_public {
        (Some(quote!(#[macro_export])), quote!(pub))
    } else {
        (None, declaration.visibility.clone())
    };
    let refusal = format!("`{word}` is {what}: write it without `!`");
    let mut quiet_name = name.clone();
    quiet_name.set_span(Span::call_site().located_at(name.span()));
    quote! {
        #[doc(hidden)]
        #export
        macro_rules! #hidden {
            ([$($acc:tt)*] [$($k:tt)*] $($rest:tt)*) => {
                $($k)* ! { [$($acc)* {$crate #home #uid #word}] $($rest)* }
            };
            ($($t:tt)*) => { ::core::compile_error! { #refusal } };
        }
        #[doc(hidden)]
        #visibility use #hidden as #quiet_name;
    }
}

/// The questions to all callees: each answer is an edge in the table.
pub(crate) fn ask(paths: &[Path], uid: &str, facade: &Facade) -> TokenStream {
    let questions = paths.iter().enumerate().map(
        |(index, path)| quote!(#path ! { [] [#facade::__private::__met] {#facade} #uid #index }),
    );
    questions.collect()
}
