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

use super::{
    host_code::{Code, host_code},
    own,
    signature::{Host, Passing},
};
use crate::{
    facade::Facade,
    requested::Requested,
    surface::{ElementParameter, Function, Path, Type, TypeKind},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The expression for a request.
pub(crate) fn request(
    target: &Path,
    function: &Function,
    requested: &Requested,
    code: Code<'_>,
    facade: &Facade,
) -> TokenStream {
    let mut containers = Containers::default();
    let from = containers.host(&function.elements, &function.parameters, &function.result, facade);
    let in_target = containers.written.len();
    let to = containers.host(&function.elements, &requested.parameters, &requested.result, facade);
    debug_assert_eq!(
        in_target,
        containers.written.len(),
        "a request has no container that its target has not"
    );
    let used = containers.used(&to);
    let private = quote!(#facade::__private);
    let (call, tie, value) = (own("call"), own("tie"), own("value"));
    let (elements, names) = (&to.generics, &to.elements);
    let all = containers.names();
    let (parameters, arrow) = (to.parameters(), to.arrow());
    let body = body(function, &to, code, facade);
    let (from_pointer, to_pointer) = (pointer(&from), pointer(&to));
    let _ = names;
    quote!({
        fn #call<#(#elements,)* #(#used: #private::Leaves),*>(#parameters) #arrow { #body }
        const fn #tie<#(#elements,)* #(#all: #private::Leaves),*>(_: #from_pointer, _: #to_pointer) {}
        let #value = #call;
        if false { #tie(#target, #value) }
        #value
    })
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

/// The containers and aliases of a signature, each with a type parameter of its own.
#[derive(Default)]
struct Containers {
    written: Vec<String>,
}

impl Containers {
    /// The signature with type parameters for containers.
    fn host(
        &mut self,
        elements: &[ElementParameter],
        parameters: &[crate::surface::Parameter],
        result: &Type,
        facade: &Facade,
    ) -> Host {
        let mut parameters = parameters.to_vec();
        for (index, parameter) in parameters.iter_mut().enumerate() {
            parameter.ty = self.anonymous(&parameter.ty);
            parameter.name.ident = format_ident!("a{index}", span = Span::mixed_site());
        }
        let elements: Vec<ElementParameter> = elements
            .iter()
            .map(|element| {
                let mut element = element.clone();
                element.name.ident = Ident::new(&element.name.text, Span::call_site());
                element
            })
            .collect();
        Host::of(&elements, &parameters, &self.anonymous(result), facade)
    }

    fn anonymous(&mut self, ty: &Type) -> Type {
        let kind = match &ty.kind {
            TypeKind::Named { .. } => {
                let written = super::types::written(ty);
                let known = self.written.iter().position(|known| *known == written);
                let index = known.unwrap_or_else(|| {
                    self.written.push(written);
                    self.written.len() - 1
                });
                let name = name(index);
                TypeKind::Refused(quote!(#name))
            }
            TypeKind::Tuple(parts) => {
                TypeKind::Tuple(parts.iter().map(|part| self.anonymous(part)).collect())
            }
            TypeKind::Array { item, length } => {
                TypeKind::Array { item: Box::new(self.anonymous(item)), length: length.clone() }
            }
            other => other.clone(),
        };
        Type { kind, span: ty.span }
    }

    fn names(&self) -> Vec<Ident> {
        (0..self.written.len()).map(name).collect()
    }

    /// Those that a signature mentions: rustc could not find the others.
    fn used(&self, host: &Host) -> Vec<Ident> {
        let signature = pointer(host).to_string();
        let is_word = |word: &str| {
            signature.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
        };
        self.names().into_iter().filter(|name| is_word(&name.to_string())).collect()
    }
}

fn name(index: usize) -> Ident {
    format_ident!("__C{index}", span = Span::call_site())
}
