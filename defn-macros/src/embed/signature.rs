//! A function's signature as Rust sees it.
//!
//! ```text
//! fn f<T: Float>(p: &mut Mlp, x: Tensor<T, n>, lr: f32) -> T
//! <T: ::defn::Float>  (p: &mut Mlp, x: &::defn::Tensor<T, 1>, lr: f32)  -> T
//! ```

use super::types::host_type;
use crate::{
    facade::Facade,
    surface::{Bound, ElementParameter, Parameter, Type, TypeKind},
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// How a value is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Scalars and extents.
    Value,
    /// Tensors and containers.
    Reference,
    /// `&mut`.
    Mutable,
}

/// One parameter.
#[derive(Clone, Debug)]
pub(crate) struct HostParameter {
    /// Its name.
    pub(crate) name: TokenStream,
    /// Its type, without the reference.
    pub(crate) ty: TokenStream,
    /// How it is handed over.
    pub(crate) passing: Passing,
}

/// A signature.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// `T: ::defn::Float`.
    pub(crate) generics: Vec<TokenStream>,
    /// `T`.
    pub(crate) elements: Vec<TokenStream>,
    /// In order.
    pub(crate) parameters: Vec<HostParameter>,
    /// The result's type; none for `()`.
    pub(crate) result: Option<TokenStream>,
}

impl Host {
    /// The signature of a function.
    pub(crate) fn of(
        elements: &[ElementParameter],
        parameters: &[Parameter],
        result: &Type,
        facade: &Facade,
    ) -> Self {
        let is_unit = matches!(&result.kind, TypeKind::Tuple(parts) if parts.is_empty());
        Self {
            generics: elements.iter().map(|element| generic(element, facade)).collect(),
            elements: elements.iter().map(|element| element.name.ident.to_token_stream()).collect(),
            parameters: parameters
                .iter()
                .map(|parameter| HostParameter {
                    name: parameter.name.ident.to_token_stream(),
                    ty: parameter_type(&parameter.ty, facade),
                    passing: passing(&parameter.ty, parameter.mutable),
                })
                .collect(),
            result: (!is_unit).then(|| host_type(result, facade)),
        }
    }

    /// `<T: ::defn::Float>`.
    pub(crate) fn generics(&self) -> Option<TokenStream> {
        let generics = &self.generics;
        (!generics.is_empty()).then(|| quote!(<#(#generics),*>))
    }

    /// `x: &::defn::Tensor<f32, 1>, lr: f32`.
    pub(crate) fn parameters(&self) -> TokenStream {
        let parameters =
            self.parameters.iter().map(|HostParameter { name, ty, passing }| match passing {
                Passing::Value => quote!(#name: #ty),
                Passing::Reference => quote!(#name: &#ty),
                Passing::Mutable => quote!(#name: &mut #ty),
            });
        quote!(#(#parameters),*)
    }

    /// `-> f32`, or nothing.
    pub(crate) fn arrow(&self) -> Option<TokenStream> {
        self.result.as_ref().map(|result| quote!(-> #result))
    }

    /// The result's type.
    pub(crate) fn result(&self) -> TokenStream {
        self.result.clone().unwrap_or_else(|| quote!(()))
    }

    /// Whether a call without its result would be of no use.
    pub(crate) fn is_pure(&self) -> bool {
        let changes = self.parameters.iter().any(|parameter| parameter.passing == Passing::Mutable);
        self.result.is_some() && !changes
    }

    /// The closure that passes the arguments to the runtime.
    pub(crate) fn pass(&self) -> TokenStream {
        let arguments = super::own("arguments");
        let passes =
            self.parameters.iter().map(|HostParameter { name, passing, .. }| match passing {
                Passing::Value => quote!(#arguments.read(&#name);),
                Passing::Reference => quote!(#arguments.read(#name);),
                Passing::Mutable => quote!(#arguments.update(#name);),
            });
        let passes: TokenStream = passes.collect();
        if passes.is_empty() { quote!(|_| ()) } else { quote!(|#arguments| { #passes }) }
    }
}

/// `T: ::defn::Float`.
pub(crate) fn generic(element: &ElementParameter, facade: &Facade) -> TokenStream {
    let name = &element.name.ident;
    match element.bound {
        Bound::Float => quote!(#name: #facade::Float),
        Bound::Number => quote!(#name: #facade::Number),
    }
}

/// Its type; whatever the caller has, where there is none.
fn parameter_type(ty: &Type, facade: &Facade) -> TokenStream {
    match &ty.kind {
        TypeKind::Refused(tokens) if tokens.is_empty() => quote!(impl ::core::marker::Sized),
        _ => host_type(ty, facade),
    }
}

fn passing(ty: &Type, mutable: bool) -> Passing {
    match &ty.kind {
        _ if mutable => Passing::Mutable,
        TypeKind::Refused(tokens) if tokens.is_empty() => Passing::Value,
        TypeKind::Scalar(_) | TypeKind::Extent | TypeKind::Key => Passing::Value,
        _ => Passing::Reference,
    }
}
