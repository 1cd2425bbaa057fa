//! Types.

use super::{Reader, Refusal, path, words::counterpart};
use crate::surface::{Element, Type, TypeArgument, TypeKind};
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::{AngleBracketedGenericArguments, GenericArgument, PathArguments};

/// What a macro's fragments and parentheses are wrapped around.
pub(super) fn peel(mut ty: &syn::Type) -> &syn::Type {
    loop {
        ty = match ty {
            syn::Type::Group(group) => &group.elem,
            syn::Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

impl Reader {
    /// The type of a parameter, and whether it stands behind `&mut`.
    pub(super) fn parameter_type(&mut self, ty: &syn::Type) -> (Type, bool) {
        match peel(ty) {
            syn::Type::Reference(reference) if reference.mutability.is_some() => {
                if let Some(lifetime) = &reference.lifetime {
                    self.refuse(&Refusal::Lifetime, lifetime.apostrophe);
                }
                (self.ty(&reference.elem), true)
            }
            other => (self.ty(other), false),
        }
    }

    /// Any type.
    pub(super) fn ty(&mut self, ty: &syn::Type) -> Type {
        let whole = peel(ty);
        let (what, span) = match whole {
            syn::Type::Path(named) => return self.path_type(named),
            syn::Type::Tuple(tuple) => {
                let kind = TypeKind::Tuple(tuple.elems.iter().map(|ty| self.ty(ty)).collect());
                return Type { kind, span: tuple.paren_token.span.join() };
            }
            syn::Type::Array(array) => {
                let item = Box::new(self.ty(&array.elem));
                let length = self.extent(&array.len);
                let span = array.bracket_token.span.join();
                return Type { kind: TypeKind::Array { item, length }, span };
            }
            syn::Type::Reference(reference) => {
                let inner = self.ty(&reference.elem);
                let refusal = match reference.mutability {
                    Some(_) => Refusal::InnerMutableType,
                    None => Refusal::ReferenceType,
                };
                // Of `&str` one thing is wrong.
                if !matches!(inner.kind, TypeKind::Refused(_)) {
                    self.refuse(&refusal, reference.and_token.spans[0]);
                }
                return inner;
            }
            syn::Type::ImplTrait(ty) => ("`impl Trait`", ty.impl_token.span),
            syn::Type::TraitObject(ty) => {
                ("`dyn Trait`", ty.dyn_token.map_or_else(Span::call_site, |t| t.span))
            }
            syn::Type::BareFn(ty) => ("a function", ty.fn_token.span),
            syn::Type::Ptr(ty) => ("a pointer", ty.star_token.span),
            syn::Type::Slice(ty) => ("a slice", ty.bracket_token.span.join()),
            syn::Type::Infer(ty) => ("`_`", ty.underscore_token.span),
            syn::Type::Never(ty) => ("`!`", ty.bang_token.span),
            syn::Type::Macro(ty) => ("a macro", ty.mac.bang_token.span),
            _ => ("this", Span::call_site()),
        };
        self.refused(&Refusal::UnknownType(what.to_owned()), span, whole)
    }

    fn refused(&mut self, refusal: &Refusal, span: Span, ty: &impl ToTokens) -> Type {
        self.refuse(refusal, span);
        // What rustc would refuse as well would be two errors about one mistake.
        let is_rust = matches!(refusal, Refusal::RustType { ty, .. } if ty != "str");
        let tokens = if is_rust { ty.to_token_stream() } else { TokenStream::new() };
        Type { kind: TypeKind::Refused(tokens), span }
    }

    fn path_type(&mut self, named: &syn::TypePath) -> Type {
        let last = named.path.segments.last().expect("a path has a segment");
        let (word, span) = (last.ident.to_string(), last.ident.span());
        if named.qself.is_some() {
            return self.refused(&Refusal::QualifiedPath, span, named);
        }
        let arguments = match &last.arguments {
            PathArguments::None => None,
            PathArguments::AngleBracketed(arguments) => Some(arguments),
            PathArguments::Parenthesized(_) => {
                return self.refused(&Refusal::UnknownType("a function".to_owned()), span, named);
            }
        };
        if word == "Tensor" {
            let kind = self.tensor(&last.ident, arguments);
            // Its mistakes were told already.
            let refused = TypeKind::Refused(TokenStream::new());
            return Type { kind: kind.unwrap_or(refused), span };
        }
        if named.path.segments.len() == 1
            && let Some(kind) = self.word_type(&word)
        {
            if arguments.is_some() {
                return self.refused(&Refusal::ElementWithArguments(word), span, named);
            }
            return Type { kind, span };
        }
        if word == "Self" {
            return self.refused(&Refusal::Method, span, named);
        }
        if named.path.segments.len() == 1
            && let Some(instead) = counterpart(&word)
        {
            let refusal = Refusal::RustType { ty: word, instead: instead.to_owned() };
            return self.refused(&refusal, span, named);
        }
        let path = path(&named.path);
        let callee = self.scope.callee(&path);
        let arguments = arguments.into_iter().flat_map(|arguments| &arguments.args);
        let arguments = arguments.filter_map(|argument| self.type_argument(argument)).collect();
        Type { kind: TypeKind::Named { path, callee, arguments }, span }
    }

    /// The types that are one word.
    fn word_type(&self, word: &str) -> Option<TypeKind> {
        match word {
            "usize" => Some(TypeKind::Extent),
            "Key" => Some(TypeKind::Key),
            _ => self.element_word(word).map(TypeKind::Scalar),
        }
    }

    /// The element type that a word means here.
    pub(super) fn element_word(&self, word: &str) -> Option<Element> {
        let parameter =
            || self.scope.elements.contains(word).then(|| Element::Parameter(word.to_owned()));
        parameter().or_else(|| Element::named(word))
    }

    /// The element type that is written, if it is one.
    pub(super) fn element(&self, ty: &syn::Type) -> Option<(Element, Span)> {
        let syn::Type::Path(named) = peel(ty) else { return None };
        let word = named.path.get_ident()?;
        Some((self.element_word(&word.to_string())?, word.span()))
    }

    fn tensor(
        &mut self,
        word: &Ident,
        arguments: Option<&AngleBracketedGenericArguments>,
    ) -> Option<TypeKind> {
        let mut arguments = arguments.into_iter().flat_map(|arguments| &arguments.args);
        let Some(first) = arguments.next() else {
            self.refuse(&Refusal::BareTensor, word.span());
            return None;
        };
        let element = match first {
            GenericArgument::Type(ty) => self.element(ty),
            _ => None,
        };
        let axes: Vec<_> = arguments.filter_map(|argument| self.axis(argument)).collect();
        let Some((element, _)) = element else {
            let span = leading_word(first).map_or(word.span(), Ident::span);
            let text = leading_word(first).map_or_else(|| "this".to_owned(), Ident::to_string);
            self.refuse(&Refusal::UnknownElement(text), span);
            return None;
        };
        Some(TypeKind::Tensor { element, axes })
    }

    fn type_argument(&mut self, argument: &GenericArgument) -> Option<TypeArgument> {
        if let GenericArgument::Type(ty) = argument
            && let Some((element, span)) = self.element(ty)
        {
            return Some(TypeArgument::Element(element, span));
        }
        self.axis(argument).map(TypeArgument::Axis)
    }
}

/// The last word of an argument that is a path.
fn leading_word(argument: &GenericArgument) -> Option<&Ident> {
    let GenericArgument::Type(ty) = argument else { return None };
    let syn::Type::Path(named) = peel(ty) else { return None };
    named.path.segments.last().map(|segment| &segment.ident)
}
