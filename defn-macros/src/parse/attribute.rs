//! `#[defn(…)]` and the attributes beside it.

use super::{Reader, Refusal, expr::peel, path, unread};
use crate::surface::{CalleeId, GivenNumbers, GivenPoint, Options, Path, RuleTest};
use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprLit, ExprPath, ExprRange, ExprUnary, Lit, Member, Meta, RangeLimits, Token, UnOp,
    ext::IdentExt, parse::Parser, punctuated::Punctuated, spanned::Spanned, visit::Visit,
};

/// An option of the attribute.
struct Known {
    /// The word.
    word: &'static str,
    /// How it is written.
    form: &'static str,
    /// Whether it is for functions only.
    of_functions: bool,
    /// Takes it down; false if it is written differently.
    read: fn(&mut Reader, &Meta, &mut Options) -> bool,
}

/// Every option; a message that lists them reads them here.
const KNOWN: [Known; 8] = [
    Known { word: "bare", form: "bare", of_functions: true, read: bare },
    Known { word: "grad", form: "grad = path", of_functions: true, read: grad },
    Known { word: "jvp", form: "jvp = path", of_functions: true, read: jvp },
    Known { word: "test", form: "test(x = 0.1..0.9)", of_functions: true, read: test },
    Known { word: "memory", form: "memory = \"8 MiB\"", of_functions: true, read: memory },
    Known { word: "nan_hunt", form: "nan_hunt", of_functions: true, read: nan_hunt },
    Known { word: "tf32", form: "tf32", of_functions: true, read: tf32 },
    Known { word: "crate", form: "crate = path", of_functions: false, read: facade },
];

impl Reader {
    /// Reads what stands in the parentheses of the attribute.
    pub(super) fn options(&mut self, tokens: TokenStream, of_function: bool) -> Options {
        let mut options = Options::default();
        if tokens.is_empty() {
            return options;
        }
        match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(metas) => {
                let mut seen = Vec::new();
                for meta in &metas {
                    self.option(meta, of_function, &mut seen, &mut options);
                }
                let has_rule = seen.contains(&"grad") || seen.contains(&"jvp");
                let test = metas.iter().find(|meta| meta.path().is_ident("test"));
                if let Some(test) = test.filter(|_| !has_rule && of_function) {
                    self.refuse(&Refusal::TestWithoutRule, test.path().span());
                }
            }
            Err(error) => self.mistakes.extend(unread(error)),
        }
        options
    }

    fn option(
        &mut self,
        meta: &Meta,
        of_function: bool,
        seen: &mut Vec<&'static str>,
        options: &mut Options,
    ) {
        let Some(segment) = meta.path().segments.last() else { return };
        let (word, span) = (segment.ident.to_string(), segment.ident.span());
        let Some(known) = KNOWN.iter().find(|known| known.word == word) else {
            let forms: Vec<&str> = KNOWN.iter().map(|known| known.form).collect();
            return self.refuse(&Refusal::UnknownOption { word, forms }, span);
        };
        if known.of_functions && !of_function {
            return self.refuse(&Refusal::OptionOfFunctions(word), span);
        }
        if seen.contains(&known.word) {
            return self.refuse(&Refusal::OptionTwice(word), span);
        }
        seen.push(known.word);
        if !(known.read)(self, meta, options) {
            self.refuse(&Refusal::OptionForm { word, form: known.form }, span);
        }
    }

    /// `path` of `grad = path`, as something that the function mentions.
    fn rule(&mut self, meta: &Meta) -> Option<(Path, CalleeId)> {
        let rule = option_path(meta)?;
        if rule.segments.len() == 1 && *rule.last() == self.scope.own {
            self.refuse(&Refusal::SelfCall(self.scope.own.clone()), rule.span());
        }
        let callee = self.scope.callee(&rule);
        Some((rule, callee))
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

/// The path of `word = path`.
fn option_path(meta: &Meta) -> Option<Path> {
    let Meta::NameValue(pair) = meta else { return None };
    let Expr::Path(ExprPath { path: written, .. }) = &pair.value else { return None };
    Some(path(written))
}

fn bare(_: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.bare = true;
    matches!(meta, Meta::Path(_))
}

fn nan_hunt(_: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.nan_hunt = true;
    matches!(meta, Meta::Path(_))
}

fn tf32(_: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.tf32 = true;
    matches!(meta, Meta::Path(_))
}

fn grad(reader: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.grad = reader.rule(meta);
    options.grad.is_some()
}

fn jvp(reader: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.jvp = reader.rule(meta);
    options.jvp.is_some()
}

fn test(_: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    let given = match meta {
        Meta::Path(_) => Some(Vec::new()),
        Meta::List(list) => {
            let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
            let entries = parser.parse2(list.tokens.clone()).ok();
            entries.and_then(|entries| entries.iter().map(given_point).collect())
        }
        Meta::NameValue(_) => None,
    };
    options.test = given.map(|given| RuleTest { given });
    options.test.is_some()
}

/// `x = 0.1..0.9`, `p.w = 0.1..0.9`, `n = 4`.
fn given_point(entry: &Expr) -> Option<GivenPoint> {
    let Expr::Assign(pair) = peel(entry) else { return None };
    let (path, span) = given_path(&pair.left)?;
    let is = match peel(&pair.right) {
        Expr::Range(ExprRange { start, limits: RangeLimits::HalfOpen(_), end, .. }) => {
            let (low, high) = (number(start.as_deref()?)?, number(end.as_deref()?)?);
            (low < high).then_some(GivenNumbers::Range(low, high))?
        }
        Expr::Lit(ExprLit { lit: Lit::Bool(truth), .. }) => {
            GivenNumbers::Number(i64::from(truth.value))
        }
        value => GivenNumbers::Number(integer(value)?),
    };
    Some(GivenPoint { path, span, is })
}

/// `p.w` with its last word.
fn given_path(expr: &Expr) -> Option<(String, Span)> {
    match peel(expr) {
        Expr::Path(ExprPath { path, .. }) => {
            let word = path.get_ident()?;
            Some((word.unraw().to_string(), word.span()))
        }
        Expr::Field(field) => {
            let (base, _) = given_path(&field.base)?;
            let (member, span) = match &field.member {
                Member::Named(name) => (name.unraw().to_string(), name.span()),
                Member::Unnamed(index) => (index.index.to_string(), index.span),
            };
            Some((format!("{base}.{member}"), span))
        }
        _ => None,
    }
}

/// `-0.5`, `2`.
fn number(expr: &Expr) -> Option<f64> {
    match peel(expr) {
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|it| -it),
        _ => None,
    }
}

/// `-2`.
fn integer(expr: &Expr) -> Option<i64> {
    match peel(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => integer(expr).map(|it| -it),
        _ => None,
    }
}

fn memory(reader: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    let Meta::NameValue(pair) = meta else { return false };
    options.memory = reader.memory(&pair.value, meta.span());
    true
}

fn facade(_: &mut Reader, meta: &Meta, options: &mut Options) -> bool {
    options.facade = option_path(meta);
    options.facade.is_some()
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
