//! Compiled code as Rust: one naked function for each level, and the static that describes how to call them.
//!
//! ```text
//! #[unsafe(naked)] unsafe extern "C" fn softmax(…) { naked_asm!(…) }
//! static FUNCTION: Function = unsafe { Function::new(Signature { … }, &[(Level::V4, softmax)]) };
//! ```
//!
//! rustc mangles, exports and drops the symbol like any other, also in a generic function of a dylib,
//! where `global_asm!` would leave it undefined.

use super::device_code::device_code;
use crate::{
    facade::Facade,
    pipeline::{Axis, Check, Emitted, Hook, Instance, Leaf, Level, Signature, Solve},
    surface::{Bound, ElementParameter},
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

/// What there is of a function's code.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Code<'c> {
    /// Machine code.
    Compiled(&'c Emitted),
    /// Nobody asked for any.
    CheckedOnly,
    /// A mistake was told.
    Broken,
}

/// An expression of type `&'static Function`.
pub(crate) fn host_code(
    name: &str,
    elements: &[ElementParameter],
    code: Code<'_>,
    facade: &Facade,
) -> TokenStream {
    let private = quote!(#facade::__private);
    let emitted = match code {
        Code::Compiled(emitted) if !emitted.instances.is_empty() => emitted,
        Code::Compiled(_) | Code::CheckedOnly => return quote!(#private::checked_only()),
        Code::Broken => return quote!(#private::broken()),
    };
    let instances: Vec<TokenStream> =
        emitted.instances.iter().map(|instance| function(name, instance, &private)).collect();
    let miri = "machine code cannot run under Miri";
    let chosen = match instances.as_slice() {
        [only] => only.clone(),
        several => {
            let choice = choice(elements, facade);
            let numbers = (0..several.len()).map(Literal::usize_unsuffixed);
            quote!(match #choice { #(#numbers => #several,)* _ => #private::broken() })
        }
    };
    quote! {
        if ::core::cfg!(miri) { ::core::panic!(#miri) }
        #chosen
    }
}

/// The position of the instance among all choices of elements.
fn choice(elements: &[ElementParameter], facade: &Facade) -> TokenStream {
    let mut choice = quote!(0);
    for element in elements.iter().rev() {
        let name = Ident::new(&element.name.text, Span::call_site());
        choice = match element.bound {
            Bound::Float => quote!(#choice * 2 + <#name as #facade::Float>::FLOAT),
            Bound::Number => quote!(#choice * 7 + <#name as #facade::Number>::NUMBER),
        };
        choice = quote!((#choice));
    }
    choice
}

fn function(name: &str, instance: &Instance, private: &TokenStream) -> TokenStream {
    let entries = instance.levels.iter().map(|level| {
        let (entry, variant) = (entry_name(name, level), format_ident!("{}", level.name));
        quote!((#private::Level::#variant, #entry))
    });
    let naked = instance.levels.iter().map(|level| naked(&entry_name(name, level), level, private));
    let signature = signature_tokens(instance, private);
    let hooks = hooks(instance, private);
    let devices = device_code(&instance.devices, private);
    quote!({
        #(#naked)*
        static FUNCTION: #private::Function =
            unsafe { #private::Function::new(#signature, &[#(#entries),*]) #hooks #devices };
        &FUNCTION
    })
}

/// What the host sees and hears of, if there is anything.
fn hooks(instance: &Instance, private: &TokenStream) -> Option<TokenStream> {
    let Instance { has_hooks, conditions, inspects, .. } = instance;
    if !has_hooks {
        return None;
    }
    let spot = |hook: &Hook| {
        let (function, (file, line)) = (&hook.function, &hook.place);
        quote!(#private::Spot { function: #function, file: #file, line: #line })
    };
    let conditions = conditions.iter().map(|hook| {
        let (text, spot) = (&hook.text, spot(hook));
        quote!(#private::Condition { text: #text, spot: #spot })
    });
    let inspects = inspects.iter().map(|(hook, leaf)| {
        let (label, spot, leaf) = (&hook.text, spot(hook), leaf_tokens(leaf, private));
        quote!(#private::Inspect { label: #label, spot: #spot, leaf: #leaf })
    });
    Some(quote!(.with_hooks(#private::Hooks {
        conditions: &[#(#conditions),*],
        inspects: &[#(#inspects),*],
    })))
}

/// Named after the user's function, so that profilers show it.
fn entry_name(name: &str, level: &Level) -> Ident {
    format_ident!("{name}_{}", level.name.to_lowercase(), span = Span::call_site())
}

fn naked(entry: &Ident, level: &Level, private: &TokenStream) -> TokenStream {
    // Other processors have one syntax, and no option to choose it.
    let syntax = matches!(level.name.as_str(), "V3" | "V4").then(|| quote!(att_syntax,));
    let text = raw(&level.assembly);
    quote! {
        #[unsafe(naked)]
        unsafe extern "C" fn #entry(
            buffers: *const *mut ::core::primitive::u8,
            symbols: *const ::core::primitive::i64,
            workspace: *mut ::core::primitive::u8,
            team: *const #private::Team,
        ) {
            ::core::arch::naked_asm!(#text, options(#syntax raw))
        }
    }
}

/// A literal without escapes: most of a large crate's tokens are code, and looking at each letter takes time.
fn raw(text: &str) -> Literal {
    let plain = || Literal::string(text);
    if text.contains("\"#") {
        plain()
    } else {
        format!("r#\"{text}\"#").parse().unwrap_or_else(|_| plain())
    }
}

fn signature_tokens(instance: &Instance, private: &TokenStream) -> TokenStream {
    let Instance { signature, workspace, private: scratch, checks, .. } = instance;
    let Signature { name, symbols, parameters, results, solves } = signature;
    let parameters = parameters.iter().map(|leaf| leaf_tokens(leaf, private));
    let results = results.iter().map(|leaf| leaf_tokens(leaf, private));
    let solves = solves.iter().map(|solve| solve_tokens(solve, private));
    let checks = checks.iter().map(|check| check_tokens(check, private));
    let (workspace, scratch) = (extent_tokens(workspace, private), extent_tokens(scratch, private));
    quote!(#private::Signature {
        name: #name,
        symbols: &[#(#symbols),*],
        parameters: &[#(#parameters),*],
        results: &[#(#results),*],
        solves: &[#(#solves),*],
        checks: &[#(#checks),*],
        workspace: #workspace,
        private: #scratch,
    })
}

fn leaf_tokens(Leaf { path, element, axes }: &Leaf, private: &TokenStream) -> TokenStream {
    let element = format_ident!("{element}");
    let axes = axes.iter().map(|Axis { name, text, extent }| {
        let extent = extent_tokens(extent, private);
        quote!(#private::Axis { name: #name, text: #text, extent: #extent })
    });
    quote!(#private::Leaf { path: #path, element: #private::ElementKind::#element, axes: &[#(#axes),*] })
}

fn solve_tokens(
    Solve { symbol, leaf, axis, factor, rest }: &Solve,
    private: &TokenStream,
) -> TokenStream {
    let rest = extent_tokens(rest, private);
    let axis = match axis {
        Some(axis) => quote!(#axis),
        None => quote!(::core::primitive::usize::MAX),
    };
    quote!(#private::Solve { symbol: #symbol, leaf: #leaf, axis: #axis, factor: #factor, rest: #rest })
}

fn check_tokens(Check { kind, left, right, text }: &Check, private: &TokenStream) -> TokenStream {
    let kind = format_ident!("{kind}");
    let (left, right) = (extent_tokens(left, private), extent_tokens(right, private));
    quote!(#private::Check { kind: #private::CheckKind::#kind, left: #left, right: #right, text: #text })
}

/// Postfix words as the runtime has them.
pub(super) fn extent_tokens(words: &[i64], private: &TokenStream) -> TokenStream {
    quote!(#private::Extent(&[#(#words),*]))
}
