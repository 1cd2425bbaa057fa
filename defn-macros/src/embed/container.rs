//! Containers, constants and aliases as Rust sees them.
//!
//! ```text
//! struct Dense<inp, out> { w: Tensor<f32, inp, out>, b: Tensor<f32, out> }
//! struct Dense           { w: ::defn::Tensor<f32, 2>, b: ::defn::Tensor<f32, 1> }
//! impl ::defn::__private::Leaves for Dense { … }
//! ```
//!
//! Leaves are passed and built here, beside the struct, where private fields may be named.

use super::{
    quiet,
    signature::generic,
    types::{host_type, with_axes, written},
};
use crate::{
    facade::Facade,
    parse::Declaration,
    surface::{Constant, ElementParameter, Struct, Type, TypeAlias, TypeKind, TypeParameter},
};
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// The struct without its axes, and how it is taken apart.
pub(crate) fn container(
    container: &Struct,
    declaration: &Declaration,
    facade: &Facade,
) -> TokenStream {
    let (generics, _) = generics(&container.parameters, facade);
    let fields = container.fields.iter().zip(&declaration.fields).map(
        |(field, (attributes, visibility))| {
            let (name, ty) = (&field.name.ident, host_type(&field.ty, facade));
            let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
            let line = format!("\n\n`{}`", written(&field.ty));
            let line = documented.then(|| quote!(#[doc = #line]));
            quote!(#(#attributes)* #line #visibility #name: #ty,)
        },
    );
    let mut braces = Group::new(Delimiter::Brace, fields.collect());
    braces.set_span(declaration.braces);
    let (attributes, visibility) = (&declaration.attributes, &declaration.visibility);
    let (keyword, name) = (&declaration.keyword, &container.name.ident);
    quote! {
        #(#attributes)*
        #visibility #keyword #name #generics #braces
    }
}

/// Whether a container can be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Soundness {
    /// All that it holds is known.
    Whole,
    /// A mistake was told, by us or by rustc: whoever uses it must see no second one.
    Broken,
}

/// How a container is taken apart and built.
pub(crate) fn leaves(
    container: &Struct,
    declaration: &Declaration,
    soundness: Soundness,
    facade: &Facade,
) -> TokenStream {
    let (generics, arguments) = generics(&container.parameters, facade);
    if soundness == Soundness::Broken {
        return broken_leaves(container, &generics, &arguments, facade);
    }
    let names: Vec<TokenStream> = container
        .fields
        .iter()
        .map(|field| {
            let ident = &field.name.ident;
            quiet(quote!(#ident))
        })
        .collect();
    let with_axes = more_axes(container, declaration, &names, facade);
    let (name, generics) = (&container.name.ident, quiet(generics));
    let (name, arguments) = (quiet(quote!(#name)), quiet(arguments));
    let whole = field_by_field((&quote!(#name), &generics, &arguments), &names, facade);
    quote! {
        #with_axes
        #whole
    }
}

/// Reads, updates and builds a struct of these fields, one after the other.
fn field_by_field(
    (name, generics, arguments): (&TokenStream, &TokenStream, &TokenStream),
    names: &[TokenStream],
    facade: &Facade,
) -> TokenStream {
    let (leaves, results) = (super::own("leaves"), super::own("results"));
    let private = quote!(#facade::__private);
    quote! {
        #[automatically_derived]
        impl #generics #private::Leaves for #name #arguments {
            fn read<'a>(&'a self, #leaves: &mut #private::Arguments<'a>) {
                #(#private::Leaves::read(&self.#names, #leaves);)*
                let _ = #leaves;
            }
            fn update<'a>(&'a mut self, #leaves: &mut #private::Arguments<'a>) {
                #(#private::Leaves::update(&mut self.#names, #leaves);)*
                let _ = #leaves;
            }
            fn build(#results: &mut #private::Builder) -> Self {
                let _ = &#results;
                Self { #(#names: #private::Leaves::build(#results)),* }
            }
        }
    }
}

/// The container with more axes: a struct of the same fields, which only its aliases name.
fn more_axes(
    container: &Struct,
    declaration: &Declaration,
    names: &[TokenStream],
    facade: &Facade,
) -> TokenStream {
    let (generics, arguments) = generics(&container.parameters, facade);
    let (generics, arguments) = (quiet(generics), quiet(arguments));
    let (private, axes, then) = (quote!(#facade::__private), quote!(__A), quote!(__B));
    let own = &container.name.ident;
    let name = quiet(quote!(#own));
    let other = format_ident!("Mapped{}", own, span = Span::call_site());
    let (all, with) = (and(&generics, &quote!(#axes: #private::Axes)), and(&arguments, &axes));
    let after = and(&arguments, &quote!(#private::Then<#axes, #then>));
    let (items, item) = (super::own("items"), super::own("item"));
    let (whole, position) = (super::own("whole"), super::own("position"));
    if names.is_empty() {
        return without_fields((&name, &generics, &arguments), facade);
    }
    let stacked = Parts {
        number: &|place| quote!(#private::stack_numbers(#items, |#item| &#item #place)),
        other: &|place| quote!(#private::stack_each(#items, |#item| &#item #place)),
    };
    let picked = Parts {
        number: &|place| quote!(#private::number_at(&#whole #place, #position)),
        other: &|place| quote!(#private::Mappable::at(&#whole #place, #position)),
    };
    let made = |parts: &Parts<'_>| -> Vec<TokenStream> {
        let fields = container.fields.iter().zip(names);
        fields.map(|(field, name)| parts.made(&field.ty, &quote!(.#name), 0)).collect()
    };
    let (stacked, picked) = (made(&stacked), made(&picked));
    let defined = with_more_axes(container, declaration, (&other, &all), facade);
    let parts = field_by_field((&quote!(#other), &all, &with), names, facade);
    quote! {
        const _: () = {
            #defined
            #parts
            #[automatically_derived]
            impl #all #private::Mappable for #other #with {
                type With<#then: #private::Axes> = #other #after;
                fn stack(#items: &[&Self]) -> #private::Mapped<Self> {
                    let _ = #items;
                    #other { #(#names: #private::stack_each(#items, |#item| &#item.#names)),* }
                }
                fn at(#whole: &#private::Mapped<Self>, #position: ::core::primitive::usize) -> Self {
                    let _ = (#whole, #position);
                    Self { #(#names: #private::Mappable::at(&#whole.#names, #position)),* }
                }
            }
            #[automatically_derived]
            impl #generics #private::Mappable for #name #arguments {
                type With<#axes: #private::Axes> = #other #with;
                fn stack(#items: &[&Self]) -> #private::Mapped<Self> {
                    let _ = #items;
                    #other { #(#names: #stacked),* }
                }
                fn at(#whole: &#private::Mapped<Self>, #position: ::core::primitive::usize) -> Self {
                    let _ = (#whole, #position);
                    Self { #(#names: #picked),* }
                }
            }
        };
    }
}

/// The struct itself.
fn with_more_axes(
    container: &Struct,
    declaration: &Declaration,
    (other, all): (&Ident, &TokenStream),
    facade: &Facade,
) -> TokenStream {
    let line = format!("`{}`, whose tensors have more axes.", container.name.text);
    let fields =
        container.fields.iter().zip(&declaration.fields).map(|(field, (_, visibility))| {
            let (name, line) = (&field.name.ident, format!("`{}`", written(&field.ty)));
            let ty = with_axes(&field.ty, &quote!(__A), facade);
            (quote!(#[doc = #line]), quiet(quote!(#visibility #name: #ty,)))
        });
    let (lines, fields): (Vec<TokenStream>, Vec<TokenStream>) = fields.unzip();
    quote! {
        #[doc = #line]
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        pub struct #other #all { #(#lines #fields)* }
    }
}

/// What is made of the parts of a field: of numbers, whose element type rustc may not know, and of all else.
struct Parts<'p> {
    number: &'p dyn Fn(&TokenStream) -> TokenStream,
    other: &'p dyn Fn(&TokenStream) -> TokenStream,
}

impl Parts<'_> {
    /// Tuples and arrays part by part; `place` says where this one is, inside of as many arrays.
    fn made(&self, ty: &Type, place: &TokenStream, arrays: usize) -> TokenStream {
        match &ty.kind {
            TypeKind::Scalar(_) => (self.number)(place),
            TypeKind::Tuple(parts) => {
                let parts = parts.iter().enumerate().map(|(part, ty)| {
                    let part = Literal::usize_unsuffixed(part);
                    self.made(ty, &quote!(#place.#part), arrays)
                });
                quote!((#(#parts,)*))
            }
            TypeKind::Array { item, .. } => {
                let at = super::own(&format!("at{arrays}"));
                let item = self.made(item, &quote!(#place[#at]), arrays + 1);
                quote!(::core::array::from_fn(|#at| #item))
            }
            TypeKind::Extent
            | TypeKind::Key
            | TypeKind::Tensor { .. }
            | TypeKind::Named { .. }
            | TypeKind::With(..)
            | TypeKind::Refused(_) => (self.other)(place),
        }
    }
}

/// Without fields there is nothing that could have more axes.
fn without_fields(
    (name, generics, arguments): (&TokenStream, &TokenStream, &TokenStream),
    facade: &Facade,
) -> TokenStream {
    let private = quote!(#facade::__private);
    quote! {
        #[automatically_derived]
        impl #generics #private::Mappable for #name #arguments {
            type With<__A: #private::Axes> = ();
            fn stack(_: &[&Self]) {}
            fn at(_: &(), _: ::core::primitive::usize) -> Self { Self {} }
        }
    }
}

/// The same without a look at the fields.
fn broken_leaves(
    container: &Struct,
    generics: &TokenStream,
    arguments: &TokenStream,
    facade: &Facade,
) -> TokenStream {
    let (name, private) = (&container.name.ident, quote!(#facade::__private));
    let (name, generics, arguments) =
        (quiet(quote!(#name)), quiet(generics.clone()), quiet(arguments.clone()));
    quote! {
        #[automatically_derived]
        impl #generics #private::Leaves for #name #arguments {
            fn read<'a>(&'a self, _: &mut #private::Arguments<'a>) {}
            fn update<'a>(&'a mut self, _: &mut #private::Arguments<'a>) {}
            fn build(_: &mut #private::Builder) -> Self { #private::broken() }
        }
        #[automatically_derived]
        impl #generics #private::Mappable for #name #arguments {
            type With<__A: #private::Axes> = ();
            fn stack(_: &[&Self]) {}
            fn at(_: &(), _: ::core::primitive::usize) -> Self { #private::broken() }
        }
    }
}

/// `<T: ::defn::Float>` and one more parameter.
fn and(generics: &TokenStream, more: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = generics.clone().into_iter().collect();
    if tokens.is_empty() {
        return quote!(<#more>);
    }
    tokens.pop();
    quote!(#(#tokens)*, #more>)
}

/// `<T: ::defn::Float>` and `<T>`.
fn generics(parameters: &[TypeParameter], facade: &Facade) -> (TokenStream, TokenStream) {
    let elements: Vec<&ElementParameter> =
        parameters.iter().filter_map(TypeParameter::element).collect();
    if elements.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let bounds = elements.iter().map(|element| generic(element, facade));
    let names = elements.iter().map(|element| &element.name.ident);
    (quote!(<#(#bounds),*>), quote!(<#(#names),*>))
}

/// The constant as it was.
pub(crate) fn constant(
    constant: &Constant,
    declaration: &Declaration,
    facade: &Facade,
) -> TokenStream {
    let (attributes, visibility, keyword) =
        (&declaration.attributes, &declaration.visibility, &declaration.keyword);
    let (name, ty, value) =
        (&constant.name.ident, host_type(&constant.ty, facade), &declaration.value);
    quote!(#(#attributes)* #visibility #keyword #name: #ty = #value;)
}

/// The alias without its axes.
pub(crate) fn alias(alias: &TypeAlias, declaration: &Declaration, facade: &Facade) -> TokenStream {
    let (attributes, visibility, keyword) =
        (&declaration.attributes, &declaration.visibility, &declaration.keyword);
    let (name, ty) = (&alias.name.ident, host_type(&alias.ty, facade));
    let elements = alias.parameters.iter().filter_map(TypeParameter::element);
    let elements: Vec<_> = elements.map(|element| &element.name.ident).collect();
    let elements = (!elements.is_empty()).then(|| quote!(<#(#elements),*>));
    quote!(#(#attributes)* #visibility #keyword #name #elements = #ty;)
}
