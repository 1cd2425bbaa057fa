//! The function itself, and the type beside it that offers the other ways to call.
//!
//! ```text
//! pub fn f(x: &Tensor<f32, 1>) -> f32 { … }
//! pub enum f {}
//! impl f { try_call, into, explain, workspace_bytes }
//! ```
//!
//! Both stand as soon as the signature is read. What they need, the code, arrives later as an inherent `__function`;
//! until then a trait of the facade has one, which fails the build: a function that lost its code must not pass.
//! Inherent functions win over those of a trait, so the code replaces it silently.
//!
//! The helper is a type and not a module, since a module cannot see the types of a function around it, as in doctests.

use super::signature::Host;
use crate::{facade::Facade, parse::Declaration, surface::Function};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The name of the helper type.
pub(crate) fn helper(function: &Function, uid: &str) -> Ident {
    if function.options.bare {
        return format_ident!("__Defn_{uid}", span = Span::call_site());
    }
    let mut helper = function.name.ident.clone();
    helper.set_span(Span::call_site().located_at(helper.span()));
    helper
}

/// The function and its helper type.
pub(crate) fn function(
    function: &Function,
    declaration: &Declaration,
    uid: &str,
    facade: &Facade,
) -> TokenStream {
    let is_refused = function.parameters.iter().any(|parameter| parameter.ty.is_refused());
    if is_refused || function.result.is_refused() {
        let (bare, helper) = (bare(function, declaration, facade), helper(function, uid));
        let visibility = &declaration.visibility;
        return quote!(#bare #[doc(hidden)] #visibility enum #helper {});
    }
    let host = Host::of(&function.elements, &function.parameters, &function.result, facade);
    let helper = helper(function, uid);
    let call = call(&helper, &host, facade);
    let body = quote! {
        match #call {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(error) => #facade::__private::fail(error),
        }
    };
    let mut braces = Group::new(Delimiter::Brace, body);
    braces.set_span(declaration.braces);
    let written = written(function, declaration);
    let tracked = (!has(declaration, "track_caller")).then(|| quote!(#[track_caller]));
    let is_pure = host.is_pure() && function.hooks.is_empty();
    let must_use = (is_pure && !has(declaration, "must_use")).then(|| quote!(#[must_use]));
    let (attributes, visibility) = (&declaration.attributes, &declaration.visibility);
    let (keyword, name, generics) = (&declaration.keyword, &function.name.ident, host.generics());
    let (parameters, arrow) = (host.parameters(), host.arrow());
    let ways = ways(function, declaration, &helper, &host, facade);
    quote! {
        #(#attributes)* #written #must_use #tracked
        #visibility #keyword #name #generics (#parameters) #arrow #braces
        #ways
    }
}

/// The function alone. A method, or something with `Self`, leaves no place for items beside it;
/// a type that was refused cannot be handed to the runtime.
pub(crate) fn bare(function: &Function, declaration: &Declaration, facade: &Facade) -> TokenStream {
    let host = Host::of(&function.elements, &function.parameters, &function.result, facade);
    let (attributes, visibility) = (&declaration.attributes, &declaration.visibility);
    let (keyword, name, generics) = (&declaration.keyword, &function.name.ident, host.generics());
    let (parameters, arrow) = (host.parameters(), host.arrow());
    let receiver = declaration.receiver.as_ref().map(|receiver| quote!(#receiver,));
    let names = host.parameters.iter().map(|parameter| &parameter.name);
    quote! {
        #(#attributes)*
        #visibility #keyword #name #generics (#receiver #parameters) #arrow {
            #(let _ = #names;)*
            #facade::__private::broken()
        }
    }
}

/// The call of the runtime, as a `Result`.
fn call(helper: &Ident, host: &Host, facade: &Facade) -> TokenStream {
    let (code, pass) = (code(helper, host, facade), host.pass());
    quote!(#facade::__private::run(#code, #pass))
}

/// The code, by inherent function or by the trait of last resort.
fn code(helper: &Ident, host: &Host, facade: &Facade) -> TokenStream {
    let elements = &host.elements;
    quote!({
        use #facade::__private::LastResort as _;
        #helper::__function(::core::marker::PhantomData::<(#(#elements,)*)>, ())
    })
}

/// The helper type with its functions.
fn ways(
    function: &Function,
    declaration: &Declaration,
    helper: &Ident,
    host: &Host,
    facade: &Facade,
) -> TokenStream {
    let visibility = super::quiet(declaration.visibility.clone());
    let (name, elements) = (&function.name.ident, &host.elements);
    // Whoever takes one of these ways uses the function: it must not count as dead.
    let quiet_name = super::quiet(quote!(#name));
    let any = elements.iter().map(|_| quote!(::core::primitive::f32));
    let any = (!elements.is_empty()).then(|| quote!(::<#(#any),*>));
    // A deprecated one would warn here, where nobody used it.
    let mention =
        (!has(declaration, "deprecated")).then(|| quote!(if false { let _ = #quiet_name #any; }));
    let (generics, parameters, result) = (host.generics(), host.parameters(), host.result());
    let (call, code, pass) = (call(helper, host, facade), code(helper, host, facade), host.pass());
    let tracked = super::tracked();
    let into = host.result.is_some().then(|| {
        let place = super::own("place");
        let comma = (!host.parameters.is_empty()).then(|| quote!(,));
        quote! {
            /// As `try_call`, but the result is written into given memory.
            // It has one parameter more than the user chose to have.
            #[allow(clippy::too_many_arguments)]
            #tracked
            #visibility fn into #generics (#parameters #comma #place: &mut #result)
                -> ::core::result::Result<(), #facade::Error>
            {
                #mention
                #facade::__private::run_into(#code, #pass, #place)
            }
        }
    });
    let doc = format!("Other ways to run [`{}()`], and what it became.", function.name.text);
    quote! {
        #[doc = #doc]
        #visibility enum #helper {}
        #[automatically_derived]
        impl #helper {
            /// As the function, but shapes that disagree come back as an error.
            #tracked
            #visibility fn try_call #generics (#parameters)
                -> ::core::result::Result<#result, #facade::Error>
            {
                #mention
                #call
            }
            #into
            /// What was fused, planned and vectorized.
            #visibility fn explain() -> &'static ::core::primitive::str {
                #mention
                use #facade::__private::LastResort as _;
                #helper::__EXPLANATION
            }
            /// How many bytes of scratch memory a call with these arguments needs.
            #visibility fn workspace_bytes #generics (#parameters)
                -> ::core::result::Result<::core::primitive::usize, #facade::Error>
            {
                #mention
                #facade::__private::workspace_bytes(#code, #pass)
            }
        }
    }
}

/// A line for the docs, as Rust's signature has lost the axes.
fn written(function: &Function, declaration: &Declaration) -> Option<TokenStream> {
    // Without docs of the user's own, a line of ours would hide that they are missing.
    if !has(declaration, "doc") {
        return None;
    }
    let parameters = function.parameters.iter().map(|parameter| {
        let mutable = if parameter.mutable { "&mut " } else { "" };
        format!("{}: {mutable}{}", parameter.name.text, super::types::written(&parameter.ty))
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let result = super::types::written(&function.result);
    let arrow = if result == "()" { String::new() } else { format!(" -> {result}") };
    let line = format!("\n\n`{}({parameters}){arrow}`", function.name.text);
    Some(quote!(#[doc = #line]))
}

/// Whether the user wrote this attribute.
pub(crate) fn has(declaration: &Declaration, attribute: &str) -> bool {
    declaration.attributes.iter().any(|written| written.path().is_ident(attribute))
}
