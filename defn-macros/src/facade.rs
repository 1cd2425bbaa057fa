//! Where the crate `defn` is, seen from the user's crate.

use crate::surface::{Options, Path};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// The path that generated code begins with: `::defn`, what `#[defn(crate = …)]` says, or `$crate` of a facade's macro.
#[derive(Clone, Debug)]
pub(crate) struct Facade(pub(crate) TokenStream);

impl Facade {
    /// What an attribute says about it.
    pub(crate) fn of(options: &Options) -> Self {
        Self(options.facade.as_ref().map_or_else(|| quote!(::defn), Path::to_token_stream))
    }
}

impl ToTokens for Facade {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
