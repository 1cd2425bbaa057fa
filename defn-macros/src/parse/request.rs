//! Macros in a body: requests, `inspect!` and `check!`.

use super::{Reader, Refusal, expr::peel, name, path, unread};
use crate::surface::{
    Expr, ExprKind, Hook, HookId, HookKind, Name, Request, RequestKind, RequestTarget,
};
use proc_macro2::{Span, TokenStream};
use syn::{Lit, Token, parse::Parser, punctuated::Punctuated, spanned::Spanned};

/// Arguments between commas.
type Arguments = Punctuated<syn::Expr, Token![,]>;

impl Reader {
    /// A macro where a value is expected.
    pub(super) fn macro_call(&mut self, call: &syn::Macro) -> Expr {
        let word = &call.path.segments.last().expect("a path has a segment").ident;
        let (text, span) = (word.to_string(), word.span());
        let kind = match RequestKind::named(&text) {
            Some(kind) => self
                .request(kind, span, call.tokens.clone())
                .map(|request| ExprKind::Request(Box::new(request))),
            None if text == "inspect" => self.inspect(span, call.tokens.clone()),
            None if text == "check" => self.check(span, call.tokens.clone()),
            None => {
                self.refuse(&Refusal::UnknownMacro(text), span);
                None
            }
        };
        Expr { kind: kind.unwrap_or(ExprKind::Refused), span }
    }

    fn arguments(&mut self, tokens: TokenStream) -> Option<Arguments> {
        match Arguments::parse_terminated.parse2(tokens) {
            Ok(arguments) => Some(arguments),
            Err(error) => {
                self.mistakes.extend(unread(error));
                None
            }
        }
    }

    fn inspect(&mut self, span: Span, tokens: TokenStream) -> Option<ExprKind> {
        let arguments = self.arguments(tokens)?;
        let mut arguments = arguments.iter();
        if let (Some(label), Some(value), None) =
            (arguments.next().and_then(text), arguments.next(), arguments.next())
        {
            return Some(self.hook(HookKind::Inspect, label, value, span));
        }
        self.refuse(&Refusal::Inspect, span);
        None
    }

    fn check(&mut self, span: Span, tokens: TokenStream) -> Option<ExprKind> {
        let arguments = self.arguments(tokens)?;
        let mut arguments = arguments.iter();
        let (Some(condition), Some(message), None) =
            (arguments.next(), arguments.next().and_then(text), arguments.next())
        else {
            self.refuse(&Refusal::Check, span);
            return None;
        };
        if message.value().contains(['{', '}']) {
            self.refuse(&Refusal::CheckArguments, message.span());
            return None;
        }
        Some(self.hook(HookKind::Check, message, condition, span))
    }

    fn hook(
        &mut self,
        kind: HookKind,
        text: &syn::LitStr,
        value: &syn::Expr,
        span: Span,
    ) -> ExprKind {
        let value = self.expr(value);
        self.hooks.push(span);
        let id = HookId(self.hooks.len() - 1);
        ExprKind::Hook(Box::new(Hook { kind, text: text.value(), value, id }))
    }

    /// What stands in the parentheses of a request.
    pub(super) fn request(
        &mut self,
        kind: RequestKind,
        span: Span,
        tokens: TokenStream,
    ) -> Option<Request> {
        let arguments = self.arguments(tokens)?;
        let mut arguments = arguments.iter();
        let told = self.mistakes.len();
        let target = arguments.next().and_then(|target| self.target(target));
        let Some(target) = target else {
            if self.mistakes.len() == told {
                self.refuse(&Refusal::RequestTarget(kind.word().to_owned()), span);
            }
            return None;
        };
        let mut request =
            Request { kind, span, target, wrt: Vec::new(), over: None, of: Vec::new() };
        for argument in arguments {
            self.request_argument(argument, &mut request);
        }
        if kind == RequestKind::Vmap && request.over.is_none() && self.mistakes.len() == told {
            self.refuse(&Refusal::VmapWithoutAxis, request.function().0.span());
        }
        Some(request)
    }

    fn target(&mut self, target: &syn::Expr) -> Option<RequestTarget> {
        match peel(target) {
            syn::Expr::Path(target) if target.qself.is_none() => {
                let target = path(&target.path);
                if target.segments.len() == 1 && *target.last() == self.scope.own {
                    self.refuse(&Refusal::SelfCall(self.scope.own.clone()), target.span());
                }
                let callee = self.scope.callee(&target);
                Some(RequestTarget::Function(target, callee))
            }
            syn::Expr::Macro(inner) => {
                let word = &inner.mac.path.segments.last()?.ident;
                let kind = RequestKind::named(&word.to_string())?;
                let inner = self.request(kind, word.span(), inner.mac.tokens.clone())?;
                Some(RequestTarget::Request(Box::new(inner)))
            }
            _ => None,
        }
    }

    fn request_argument(&mut self, argument: &syn::Expr, request: &mut Request) {
        let is_vmap = request.kind == RequestKind::Vmap;
        let takes =
            if is_vmap { "`over = axis` and `of = (parameters)`" } else { "`wrt = (parameters)`" };
        let refusal = Refusal::RequestArgument { request: request.kind.word().to_owned(), takes };
        let syn::Expr::Assign(pair) = peel(argument) else {
            return self.refuse(&refusal, argument.span());
        };
        let word = match peel(&pair.left) {
            syn::Expr::Path(left) => left.path.get_ident(),
            _ => None,
        };
        let (Some(word), Some(names)) = (word, names(&pair.right)) else {
            return self.refuse(&refusal, argument.span());
        };
        match word.to_string().as_str() {
            "wrt" if !is_vmap => request.wrt = names,
            "of" if is_vmap => request.of = names,
            "over" if is_vmap && names.len() == 1 => request.over = names.into_iter().next(),
            _ => self.refuse(&refusal, word.span()),
        }
    }
}

/// A literal text.
fn text(expr: &syn::Expr) -> Option<&syn::LitStr> {
    match peel(expr) {
        syn::Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// `p` or `(p, x)`.
fn names(expr: &syn::Expr) -> Option<Vec<Name>> {
    match peel(expr) {
        syn::Expr::Path(word) => Some(vec![name(word.path.get_ident()?)]),
        syn::Expr::Tuple(words) => {
            let words: Option<Vec<Vec<Name>>> = words.elems.iter().map(names).collect();
            Some(words?.concat())
        }
        _ => None,
    }
}
