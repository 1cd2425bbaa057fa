//! Functions: the signature, then the body.

use super::{Declaration, Reader, Refusal, item::declaration, name, pattern::pattern_span};
use crate::surface::{Definition, Function, Options, Parameter, Type, TypeKind, TypeParameter};
use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{FnArg, Pat, ReturnType, Signature};

impl Reader {
    /// Reads a whole function.
    pub(super) fn function(
        &mut self,
        item: syn::ItemFn,
        options: Options,
    ) -> (Definition, Declaration) {
        let own = self.own_name(&item.sig.ident);
        self.refuse_qualifiers(&item.sig);
        let elements = self.element_parameters(&item.sig.generics);
        let parameters: Vec<Parameter> =
            item.sig.inputs.iter().filter_map(|input| self.parameter(input)).collect();
        let result = match &item.sig.output {
            ReturnType::Default => Type { kind: TypeKind::Tuple(Vec::new()), span: own.span() },
            ReturnType::Type(_, ty) => self.ty(ty),
        };
        for parameter in &parameters {
            self.scope.bind(&parameter.name);
        }
        self.refuse_attributes(&item.block);
        let body = self.block(&item.block);
        let mut declaration =
            declaration(item.attrs, &item.vis, Ident::new("fn", item.sig.fn_token.span));
        declaration.braces = item.block.brace_token.span.join();
        let receiver = item.sig.receiver();
        declaration.receiver = receiver.map(ToTokens::to_token_stream);
        let callees = std::mem::take(&mut self.scope.callees);
        let hooks = std::mem::take(&mut self.hooks);
        let function =
            Function { name: own, elements, parameters, result, body, callees, hooks, options };
        (Definition::Function(function), declaration)
    }

    fn refuse_qualifiers(&mut self, signature: &Signature) {
        let words: [Option<(&str, Span)>; 5] = [
            signature.constness.map(|token| ("const", token.span)),
            signature.asyncness.map(|token| ("async", token.span)),
            signature.unsafety.map(|token| ("unsafe", token.span)),
            signature.abi.as_ref().map(|abi| ("extern", abi.extern_token.span)),
            signature.variadic.as_ref().map(|variadic| ("...", variadic.dots.spans[0])),
        ];
        for (word, span) in words.into_iter().flatten() {
            self.refuse(&Refusal::Qualifier(word.to_owned()), span);
        }
    }

    fn parameter(&mut self, input: &FnArg) -> Option<Parameter> {
        let input = match input {
            FnArg::Receiver(receiver) => {
                self.refuse(&Refusal::Method, receiver.self_token.span);
                return None;
            }
            FnArg::Typed(input) => input,
        };
        let (ty, mutable) = self.parameter_type(&input.ty);
        let mut pattern = &*input.pat;
        while let Pat::Paren(inner) = pattern {
            pattern = &inner.pat;
        }
        let Pat::Ident(ident) = pattern else {
            self.refuse(&Refusal::ParameterPattern, pattern_span(pattern));
            return Some(Parameter {
                name: name(&Ident::new("_argument", Span::call_site())),
                ty,
                mutable,
            });
        };
        let name = name(&ident.ident);
        if let Some(token) = ident.mutability {
            self.refuse(&Refusal::MutableParameter(name.text.clone()), token.span);
        }
        if ident.by_ref.is_some() || ident.subpat.is_some() {
            self.refuse(&Refusal::ParameterPattern, ident.ident.span());
        }
        Some(Parameter { name, ty, mutable })
    }

    /// The element parameters of a function, whose axes are not declared.
    fn element_parameters(
        &mut self,
        generics: &syn::Generics,
    ) -> Vec<crate::surface::ElementParameter> {
        let mut elements = Vec::new();
        for parameter in self.parameters(generics) {
            match parameter {
                TypeParameter::Element(element) => elements.push(element),
                TypeParameter::Axis(axis) => {
                    self.refuse(&Refusal::UnboundedParameter(axis.text.clone()), axis.span());
                }
            }
        }
        elements
    }
}
