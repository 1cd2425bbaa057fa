//! Types of the language as types of Rust.
//!
//! ```text
//! Tensor<f32, batch, pixel<784>>    ->    ::defn::Tensor<f32, 2>
//! Dense<pixel<784>, hidden>         ->    Dense
//! Gen<T, n>                         ->    Gen<T>
//! ```

use crate::{
    facade::Facade,
    surface::{
        Element, Extent, ExtentKind, ExtentOp, MoreAxes, Path, Type, TypeArgument, TypeKind,
    },
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

/// The Rust type.
pub(crate) fn host_type(ty: &Type, facade: &Facade) -> TokenStream {
    match &ty.kind {
        TypeKind::Scalar(element) => host_element(element, facade),
        TypeKind::Extent => quote!(::core::primitive::usize),
        TypeKind::Key => quote!(#facade::Key),
        TypeKind::Tensor { element, axes } => {
            let (element, rank) =
                (host_element(element, facade), Literal::usize_unsuffixed(axes.len()));
            quote!(#facade::Tensor<#element, #rank>)
        }
        TypeKind::Named { path, arguments, .. } => {
            let arguments = element_arguments(arguments, facade);
            quote!(#path #arguments)
        }
        TypeKind::Tuple(parts) => {
            let parts = parts.iter().map(|part| host_type(part, facade));
            quote!((#(#parts,)*))
        }
        TypeKind::With(item, axes) => {
            let (item, axes) = (host_type(item, facade), host_axes(axes, facade));
            quote!(<#item as #facade::__private::Mappable>::With<#axes>)
        }
        TypeKind::Array { item, length } => {
            let (item, length) = (host_type(item, facade), host_extent(length));
            quote!([#item; #length])
        }
        TypeKind::Refused(tokens) if tokens.is_empty() => quote!(()),
        TypeKind::Refused(tokens) => tokens.clone(),
    }
}

/// The word for more axes.
fn host_axes(axes: &MoreAxes, facade: &Facade) -> TokenStream {
    let private = quote!(#facade::__private);
    match axes {
        MoreAxes::One => quote!(#private::OneMore),
        MoreAxes::Of(element, rank) => {
            let (element, rank) = (host_element(element, facade), Literal::usize_unsuffixed(*rank));
            quote!(#private::Of<#element, #rank>)
        }
        MoreAxes::Each(of) => {
            let of = host_type(of, facade);
            quote!(#private::Each<#of>)
        }
    }
}

/// A type of a field with the axes of `axes`, a parameter of the impl around it: numbers of any element type have them too.
pub(crate) fn with_axes(ty: &Type, axes: &TokenStream, facade: &Facade) -> TokenStream {
    match &ty.kind {
        TypeKind::Scalar(element) => {
            let element = host_element(element, facade);
            quote!(<#axes as #facade::__private::Axes>::Number<#element>)
        }
        TypeKind::Tuple(parts) => {
            let parts = parts.iter().map(|part| with_axes(part, axes, facade));
            quote!((#(#parts,)*))
        }
        TypeKind::Array { item, length } => {
            let (item, length) = (with_axes(item, axes, facade), host_extent(length));
            quote!([#item; #length])
        }
        TypeKind::Extent
        | TypeKind::Key
        | TypeKind::Tensor { .. }
        | TypeKind::Named { .. }
        | TypeKind::With(..)
        | TypeKind::Refused(_) => {
            let ty = host_type(ty, facade);
            quote!(<#ty as #facade::__private::Mappable>::With<#axes>)
        }
    }
}

/// `<f32, T>`, or nothing.
fn element_arguments(arguments: &[TypeArgument], facade: &Facade) -> Option<TokenStream> {
    let elements: Vec<TokenStream> = arguments
        .iter()
        .filter_map(|argument| match argument {
            TypeArgument::Element(element, _) => Some(host_element(element, facade)),
            TypeArgument::Axis(_) => None,
        })
        .collect();
    (!elements.is_empty()).then(|| quote!(<#(#elements),*>))
}

/// The Rust type of an element.
pub(crate) fn host_element(element: &Element, facade: &Facade) -> TokenStream {
    let word = Ident::new(element.word(), Span::call_site());
    match element {
        Element::F16 | Element::Bf16 => quote!(#facade::#word),
        // Tensors hold none of these, which is an error already: a type that is nowhere makes no second one of that.
        Element::C64 | Element::C128 | Element::I8 | Element::I16 | Element::U16 => {
            quote!(#facade::#word)
        }
        Element::Parameter(_) => word.to_token_stream(),
        _ => quote!(::core::primitive::#word),
    }
}

/// The length of an array: rustc evaluates it.
fn host_extent(extent: &Extent) -> TokenStream {
    match &extent.kind {
        ExtentKind::Integer(value) => Literal::u64_unsuffixed(*value).to_token_stream(),
        ExtentKind::Symbol(name) => name.ident.to_token_stream(),
        ExtentKind::Binary(op, left, right) => {
            let (left, right) = (host_extent(left), host_extent(right));
            match op {
                ExtentOp::Add => quote!((#left + #right)),
                ExtentOp::Sub => quote!((#left - #right)),
                ExtentOp::Mul => quote!((#left * #right)),
                ExtentOp::Div => quote!((#left / #right)),
            }
        }
    }
}

impl ToTokens for Path {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut first = !self.leading;
        for segment in &self.segments {
            if !first {
                quote!(::).to_tokens(tokens);
            }
            first = false;
            segment.to_tokens(tokens);
        }
    }
}

/// A type in the user's words, for docs: `Tensor<f32, batch, pixel<784>>`.
pub(crate) fn written(ty: &Type) -> String {
    match &ty.kind {
        TypeKind::Scalar(element) => element.word().to_owned(),
        TypeKind::Extent => "usize".to_owned(),
        TypeKind::Key => "Key".to_owned(),
        TypeKind::Tensor { element, axes } => {
            let axes = axes.iter().map(|axis| format!(", {}", written_axis(axis)));
            format!("Tensor<{}{}>", element.word(), axes.collect::<String>())
        }
        TypeKind::Named { path, arguments, .. } if arguments.is_empty() => path.text(),
        TypeKind::Named { path, arguments, .. } => {
            let arguments = arguments.iter().map(|argument| match argument {
                TypeArgument::Element(element, _) => element.word().to_owned(),
                TypeArgument::Axis(axis) => written_axis(axis),
            });
            format!("{}<{}>", path.text(), arguments.collect::<Vec<_>>().join(", "))
        }
        TypeKind::Tuple(parts) => {
            format!("({})", parts.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        TypeKind::Array { item, length } => {
            format!("[{}; {}]", written(item), written_extent(length))
        }
        TypeKind::With(item, axes) => {
            let item = written(item);
            match axes {
                MoreAxes::One => format!("Mapped<{item}>"),
                MoreAxes::Of(element, 0) => format!("Jacobian<{}, {item}>", element.word()),
                MoreAxes::Of(element, rank) => {
                    format!("Jacobian<Tensor<{}, {rank}>, {item}>", element.word())
                }
                MoreAxes::Each(of) => format!("Jacobian<{item}, {}>", written(of)),
            }
        }
        TypeKind::Refused(_) => "_".to_owned(),
    }
}

fn written_axis(axis: &crate::surface::Axis) -> String {
    use crate::surface::AxisKind;
    match &axis.kind {
        AxisKind::Named(name) => name.text.clone(),
        AxisKind::NamedExtent(name, extent) => format!("{}<{}>", name.text, written_extent(extent)),
        AxisKind::Unnamed(extent) => format!("{{{}}}", written_extent(extent)),
    }
}

fn written_extent(extent: &Extent) -> String {
    match &extent.kind {
        ExtentKind::Integer(value) => value.to_string(),
        ExtentKind::Symbol(name) => name.text.clone(),
        ExtentKind::Binary(op, left, right) => {
            let sign = match op {
                ExtentOp::Add => "+",
                ExtentOp::Sub => "-",
                ExtentOp::Mul => "*",
                ExtentOp::Div => "/",
            };
            format!("{} {sign} {}", written_extent(left), written_extent(right))
        }
    }
}
