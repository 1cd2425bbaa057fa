//! `#[defn(…)]` and the attributes beside it.

use super::{Reader, Refusal, path, unread};
use crate::surface::Options;
use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprLit, ExprPath, Lit, Meta, Token, parse::Parser, punctuated::Punctuated, visit::Visit,
};

impl Reader {
    /// Reads what stands in the parentheses of the attribute.
    pub(super) fn options(&mut self, tokens: TokenStream) -> Options {
        let mut options = Options::default();
        if tokens.is_empty() {
            return options;
        }
        match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(metas) => metas.iter().for_each(|meta| self.option(meta, &mut options)),
            Err(error) => self.mistakes.extend(unread(error)),
        }
        options
    }

    fn option(&mut self, meta: &Meta, options: &mut Options) {
        let word = meta.path().segments.last().map(|segment| segment.ident.clone());
        let Some(word) = word else { return };
        match (word.to_string().as_str(), meta) {
            ("bare", Meta::Path(_)) => options.bare = true,
            ("nan_hunt", Meta::Path(_)) => options.nan_hunt = true,
            ("grad", Meta::NameValue(pair))
                if let Expr::Path(ExprPath { path: rule, .. }) = &pair.value =>
            {
                let rule = path(rule);
                let callee = self.scope.callee(&rule);
                options.grad = Some((rule, callee));
            }
            ("crate", Meta::NameValue(pair))
                if let Expr::Path(ExprPath { path: facade, .. }) = &pair.value =>
            {
                options.facade = Some(path(facade));
            }
            ("memory", Meta::NameValue(pair)) => {
                options.memory = self.memory(&pair.value, word.span());
            }
            (other, _) => self.refuse(&Refusal::UnknownOption(other.to_owned()), word.span()),
        }
    }

    /// `"8 MiB"`, `4096`.
    fn memory(&mut self, value: &Expr, otherwise: Span) -> Option<(u64, Span)> {
        let span = if let Expr::Lit(ExprLit { lit, .. }) = value { lit.span() } else { otherwise };
        let bytes = match value {
            Expr::Lit(ExprLit { lit: Lit::Int(bytes), .. }) => bytes.base10_parse().ok(),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => bytes(&text.value()),
            _ => None,
        };
        if bytes.is_none() {
            self.refuse(&Refusal::BadMemory, span);
        }
        bytes.map(|bytes| (bytes, span))
    }

    /// Refuses every attribute in a body: rustc does not evaluate `cfg` there.
    pub(super) fn refuse_attributes(&mut self, body: &syn::Block) {
        struct Attributes(Vec<Span>);
        impl<'a> Visit<'a> for Attributes {
            fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
                self.0.push(attribute.pound_token.span);
            }
            fn visit_item(&mut self, _: &'a syn::Item) {}
        }
        let mut attributes = Attributes(Vec::new());
        attributes.visit_block(body);
        for span in attributes.0 {
            self.refuse(&Refusal::InnerAttribute, span);
        }
    }
}

/// The number of bytes that a text like `8 MiB` says.
fn bytes(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != ' ').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}
