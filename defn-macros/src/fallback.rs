//! What stands in the user's crate when an item has mistakes: the mistakes, and as much of the item as can be saved.
//!
//! In:  mistakes, and the item as far as it was read.
//! Out: the mistakes as errors, and the item's names with its signature, so that whoever uses it stays green.

use crate::{
    announce::announce,
    embed::{self, container::Soundness},
    export::export,
    facade::Facade,
    parse::Item,
    report::{Mistake, report},
    surface::Definition,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// An item whose signature was read.
pub(crate) fn with_signature(item: &Item, uid: &str, facade: &Facade) -> TokenStream {
    let errors = report(&item.mistakes);
    if let (true, Definition::Function(function)) = (item.is_method, &item.definition) {
        let bare = embed::function::bare(function, &item.declaration, facade);
        return quote!(#errors #bare);
    }
    let announced = announce(item, uid, facade);
    let exported = if item.declaration.is_public { export(uid) } else { TokenStream::new() };
    let leaves = match &item.definition {
        Definition::Struct(container) => {
            embed::container::leaves(container, &item.declaration, Soundness::Broken, facade)
        }
        _ => TokenStream::new(),
    };
    quote!(#errors #announced #exported #leaves)
}

/// An item of which nothing could be read but, perhaps, its name.
pub(crate) fn without_signature(mistakes: &[Mistake], item: &TokenStream) -> TokenStream {
    let errors = report(mistakes);
    match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(DeriveInput { vis, ident, .. }) => quote!(#errors #vis struct #ident {}),
        Err(_) => quote!(#errors #item),
    }
}

/// A request of which nothing could be read.
pub(crate) fn expression(mistakes: &[Mistake]) -> TokenStream {
    let errors = report(mistakes);
    quote!({ #errors ::core::unreachable!() })
}
