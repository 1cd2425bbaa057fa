//! Calls, methods and their arguments.

use super::{Reader, Refusal, expr::peel, name, path, words::is_intrinsic};
use crate::surface::{Call, Callable, Element, Expr, ExprKind, MethodCall, RequestKind};
use proc_macro2::Span;
use syn::{GenericArgument, PathArguments, spanned::Spanned};

/// Element types between `::<` and `>`.
type Elements = Vec<(Element, Span)>;

impl Reader {
    /// `f(x)`, `grad!(f)(x)`.
    pub(super) fn call(&mut self, call: &syn::ExprCall) -> Expr {
        let function = self.callable(&call.func);
        let arguments = call.args.iter().map(|argument| self.argument(argument)).collect();
        match function {
            Some((function, elements, span)) => Expr {
                kind: ExprKind::Call(Box::new(Call { function, elements, arguments })),
                span,
            },
            None => Expr { kind: ExprKind::Refused, span: call.paren_token.span.join() },
        }
    }

    /// `x.sum(n)`.
    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) -> Expr {
        let receiver = self.expr(&call.receiver);
        let elements = call.turbofish.as_ref().map(|arguments| self.elements(&arguments.args));
        let arguments = call.args.iter().map(|argument| self.argument(argument)).collect();
        let method = name(&call.method);
        let span = method.span();
        let elements = elements.unwrap_or_default();
        Expr {
            kind: ExprKind::MethodCall(Box::new(MethodCall {
                receiver,
                method,
                elements,
                arguments,
            })),
            span,
        }
    }

    /// What stands before the parentheses.
    fn callable(&mut self, function: &syn::Expr) -> Option<(Callable, Elements, Span)> {
        match peel(function) {
            syn::Expr::Path(function) => self.callable_path(function),
            syn::Expr::Macro(function) => {
                let word = &function.mac.path.segments.last()?.ident;
                let Some(kind) = RequestKind::named(&word.to_string()) else {
                    self.refuse(&Refusal::UnknownMacro(word.to_string()), word.span());
                    return None;
                };
                let request = self.request(kind, word.span(), function.mac.tokens.clone())?;
                Some((Callable::Request(request), Vec::new(), word.span()))
            }
            other => {
                let value = self.expr(other);
                self.refuse(&Refusal::CallOfValue, value.span);
                None
            }
        }
    }

    fn callable_path(&mut self, function: &syn::ExprPath) -> Option<(Callable, Elements, Span)> {
        let last = function.path.segments.last()?;
        let elements = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => self.elements(&arguments.args),
            _ => Vec::new(),
        };
        let path = path(&function.path);
        let (word, span) = (name(path.last()), path.span());
        let first = path.segments[0].to_string();
        let is_word = path.segments.len() == 1 && !path.leading;
        let of_type =
            Element::named(&first).is_some() || matches!(first.as_str(), "Tensor" | "Key");
        let refusal = match () {
            () if function.qself.is_some() => Some(Refusal::QualifiedPath),
            () if first == "Self" => Some(Refusal::Method),
            () if of_type && is_word => Some(Refusal::CallOfType(first)),
            () if of_type => {
                Some(Refusal::AssociatedFunction { ty: first, function: word.text.clone() })
            }
            () if is_word
                && word.text == self.scope.own
                && !self.scope.is_local(&word.text)
                && !is_intrinsic(&word.text) =>
            {
                Some(Refusal::SelfCall(word.text.clone()))
            }
            () => None,
        };
        if let Some(refusal) = refusal {
            self.refuse(&refusal, span);
            return None;
        }
        let callable = if is_word && self.scope.is_local(&word.text) {
            Callable::Local(word)
        } else if is_word && is_intrinsic(&word.text) {
            Callable::Intrinsic(word)
        } else {
            let callee = self.scope.callee(&path);
            Callable::Definition(path, callee)
        };
        Some((callable, elements, span))
    }

    fn elements<'a>(
        &mut self,
        arguments: impl IntoIterator<Item = &'a GenericArgument>,
    ) -> Elements {
        let mut elements = Vec::new();
        for argument in arguments {
            let element = match argument {
                GenericArgument::Type(ty) => self.element(ty),
                _ => None,
            };
            match element {
                Some(element) => elements.push(element),
                None => self.refuse(&Refusal::TurbofishElement, argument.span()),
            }
        }
        elements
    }

    /// A value, `kh = 3`, `&mut place`, or a tuple of these.
    fn argument(&mut self, argument: &syn::Expr) -> Expr {
        match peel(argument) {
            syn::Expr::Assign(pair) => {
                if let syn::Expr::Path(left) = peel(&pair.left)
                    && let Some(word) = left.path.get_ident()
                {
                    let word = name(word);
                    self.scope.axes.insert(word.text.clone());
                    let value = Box::new(self.expr(&pair.right));
                    return Expr { span: word.span(), kind: ExprKind::Named(word, value) };
                }
                self.expr(argument)
            }
            syn::Expr::Reference(reference) if reference.mutability.is_some() => {
                let place = Box::new(self.expr(&reference.expr));
                Expr { span: place.span, kind: ExprKind::Mutable(place) }
            }
            syn::Expr::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| self.argument(part)).collect();
                Expr { kind: ExprKind::Tuple(parts), span: tuple.paren_token.span.join() }
            }
            other => self.expr(other),
        }
    }
}
