//! A request as a value of Rust: a function item, zero-sized, `Copy`, `'static`.
//!
//! ```text
//! grad!(loss)
//! {
//!     fn call<C0: Leaves>(p: &C0, x: &Tensor<f32, 2>) -> C0 { … }
//!     const fn tie<C0>(_: fn(&C0, &Tensor<f32, 2>) -> f32, _: fn(&C0, &Tensor<f32, 2>) -> C0) {}
//!     let value = call; if false { tie(loss, value) } value
//! }
//! ```
//!
//! The containers of the target's signature need not be in scope where the request stands:
//! they are type parameters, and `tie` lets rustc find them in the type of the target itself.
//! A container with more axes is `C0::With<OneMore>` to `tie`, and a parameter `M0` of `call`.

use super::{
    host_code::{Code, host_code},
    own,
    signature::{Host, Passing},
};
use crate::{
    facade::Facade,
    requested::Requested,
    surface::{ElementParameter, Function, MoreAxes, Path, Type, TypeKind},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

/// The expression for a request.
pub(crate) fn request(
    target: &Path,
    function: &Function,
    requested: &Requested,
    code: Code<'_>,
    facade: &Facade,
) -> TokenStream {
    let mut containers = Containers::default();
    let (elements, tied) = (&function.elements, Spelling::Tied(facade));
    let from = containers.host(elements, (&function.parameters, &function.result), tied, facade);
    let in_target = containers.written.len();
    let signature = (requested.parameters.as_slice(), &requested.result);
    let to = containers.host(elements, signature, tied, facade);
    let called = containers.host(elements, signature, Spelling::Called(facade), facade);
    debug_assert_eq!(
        in_target,
        containers.written.len(),
        "a request has no container that its target has not"
    );
    let (used, more) = (containers.used(&called), containers.with_more(&called));
    let bound = if more.is_empty() { quote!(Leaves) } else { quote!(Mappable) };
    let private = quote!(#facade::__private);
    let (call, tie, value) = (own("call"), own("tie"), own("value"));
    let (elements, all) = (&to.generics, containers.names());
    let (parameters, arrow) = (called.parameters(), called.arrow());
    let body = body(function, &called, code, facade);
    let (from_pointer, to_pointer) = (pointer(&from), pointer(&to));
    let tracked = super::tracked();
    quote!({
        #tracked
        fn #call<#(#elements,)* #(#used: #private::Leaves,)* #(#more: #private::Leaves),*>(#parameters) #arrow { #body }
        const fn #tie<#(#elements,)* #(#all: #private::#bound),*>(_: #from_pointer, _: #to_pointer) {}
        let #value = #call;
        if false { #tie(#target, #value) }
        #value
    })
}

/// The code of a request for each choice that a test makes, as an array.
pub(crate) fn codes(function: &Function, code: Code<'_>, facade: &Facade) -> TokenStream {
    let name = own("code");
    let code = host_code(&function.name.text, &function.elements, code, facade);
    let elements = called_here(&function.elements);
    let generics = elements.iter().map(|element| super::signature::generic(element, facade));
    let codes = super::tested::choices(function).map(|elements| quote!(#name::<#(#elements),*>()));
    quote!({
        fn #name<#(#generics),*>() -> &'static #facade::__private::Function { #code }
        [#(#codes),*]
    })
}

/// The element parameters of a function that was read elsewhere, under words of this expansion.
fn called_here(elements: &[ElementParameter]) -> Vec<ElementParameter> {
    let mut elements = elements.to_vec();
    for element in &mut elements {
        element.name.ident = Ident::new(&element.name.text, Span::call_site());
    }
    elements
}

fn body(function: &Function, host: &Host, code: Code<'_>, facade: &Facade) -> TokenStream {
    if let Code::Broken = code {
        let names = host.parameters.iter().map(|parameter| &parameter.name);
        return quote!(#(let _ = #names;)* #facade::__private::broken());
    }
    let code = host_code(&function.name.text, &function.elements, code, facade);
    let (generics, elements, pass) = (host.generics(), &host.elements, host.pass());
    let turbofish = (!elements.is_empty()).then(|| quote!(::<#(#elements),*>));
    quote! {
        fn code #generics () -> &'static #facade::__private::Function { #code }
        match #facade::__private::run(code #turbofish (), #pass) {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(error) => #facade::__private::fail(error),
        }
    }
}

/// `fn(&C0, f32) -> f32`.
fn pointer(host: &Host) -> TokenStream {
    let parameters = host.parameters.iter().map(|parameter| {
        let ty = &parameter.ty;
        match parameter.passing {
            Passing::Value => quote!(#ty),
            Passing::Reference => quote!(&#ty),
            Passing::Mutable => quote!(&mut #ty),
        }
    });
    let arrow = host.arrow();
    quote!(fn(#(#parameters),*) #arrow)
}

/// How a container with more axes is written.
#[derive(Clone, Copy)]
enum Spelling<'a> {
    /// As what belongs to the container, so that the target says which it is.
    Tied(&'a Facade),
    /// As a type parameter of its own: from what belongs to it, rustc would not find the container.
    Called(&'a Facade),
}

impl<'a> Spelling<'a> {
    fn facade(self) -> &'a Facade {
        let (Self::Tied(facade) | Self::Called(facade)) = self;
        facade
    }
}

/// The containers and aliases of a signature, each with a type parameter of its own.
#[derive(Default)]
struct Containers {
    written: Vec<String>,
    /// Those with more axes, as `tie` has them.
    more: Vec<String>,
}

impl Containers {
    /// The signature with type parameters for containers.
    fn host(
        &mut self,
        elements: &[ElementParameter],
        (parameters, result): (&[crate::surface::Parameter], &Type),
        spelling: Spelling<'_>,
        facade: &Facade,
    ) -> Host {
        let mut parameters = parameters.to_vec();
        for (index, parameter) in parameters.iter_mut().enumerate() {
            parameter.ty = self.anonymous(&parameter.ty, spelling);
            parameter.name.ident = format_ident!("a{index}", span = Span::mixed_site());
        }
        let elements = called_here(elements);
        Host::of(&elements, &parameters, &self.anonymous(result, spelling), facade)
    }

    fn anonymous(&mut self, ty: &Type, spelling: Spelling<'_>) -> Type {
        let kind = match &ty.kind {
            TypeKind::Named { .. } => {
                let name = name(self.index(ty));
                TypeKind::Refused(quote!(#name))
            }
            TypeKind::With(item, axes) => {
                let tied = self.with_more_axes(item, axes, spelling.facade());
                TypeKind::Refused(match spelling {
                    Spelling::Tied(_) => tied,
                    Spelling::Called(_) => {
                        let (known, tied) = (&mut self.more, tied.to_string());
                        more_name(position(known, tied)).into_token_stream()
                    }
                })
            }
            TypeKind::Tuple(parts) => {
                TypeKind::Tuple(parts.iter().map(|part| self.anonymous(part, spelling)).collect())
            }
            TypeKind::Array { item, length } => {
                let item = Box::new(self.anonymous(item, spelling));
                TypeKind::Array { item, length: length.clone() }
            }
            other => other.clone(),
        };
        Type { kind, span: ty.span }
    }

    /// As what belongs to the container.
    fn with_more_axes(&mut self, item: &Type, axes: &MoreAxes, facade: &Facade) -> TokenStream {
        let tied = Spelling::Tied(facade);
        let axes = match axes {
            MoreAxes::Each(of) => MoreAxes::Each(Box::new(self.anonymous(of, tied))),
            MoreAxes::One | MoreAxes::Of(..) => axes.clone(),
        };
        let item = Box::new(self.anonymous(item, tied));
        let ty = Type { kind: TypeKind::With(item, axes), span: Span::call_site() };
        super::types::host_type(&ty, facade)
    }

    fn index(&mut self, ty: &Type) -> usize {
        position(&mut self.written, super::types::written(ty))
    }

    fn names(&self) -> Vec<Ident> {
        (0..self.written.len()).map(name).collect()
    }

    /// Those that a signature mentions: rustc could not find the others.
    fn used(&self, host: &Host) -> Vec<Ident> {
        mentioned(self.names(), host)
    }

    /// The same of those with more axes.
    fn with_more(&self, host: &Host) -> Vec<Ident> {
        mentioned((0..self.more.len()).map(more_name).collect(), host)
    }
}

/// Where the text is, behind all others if it is new.
fn position(known: &mut Vec<String>, text: String) -> usize {
    known.iter().position(|other| *other == text).unwrap_or_else(|| {
        known.push(text);
        known.len() - 1
    })
}

/// The names that a signature mentions.
fn mentioned(names: Vec<Ident>, host: &Host) -> Vec<Ident> {
    let signature = pointer(host).to_string();
    let is_word =
        |word: &str| signature.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
    names.into_iter().filter(|name| is_word(&name.to_string())).collect()
}

/// A container with more axes, where it is called: `tie` says which.
fn more_name(index: usize) -> Ident {
    format_ident!("__M{index}", span = Span::call_site())
}

fn name(index: usize) -> Ident {
    format_ident!("__C{index}", span = Span::call_site())
}
