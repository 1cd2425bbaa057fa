//! What a body says, once more for rustc's eyes: never run, but resolved and checked.
//!
//! ```text
//! if false { let _ = g; let _ = path::to::h::<f32>; let _ = &p.w; }
//! ```
//!
//! So a helper that only the language calls is not dead code, a deprecated one warns at the user's token,
//! a private field is rustc's E0616 there, and editors know where a name leads.

use super::signature::Host;
use crate::{
    facade::Facade,
    surface::{
        Definition, Expr, ExprKind, Function, Parameter, Path, PatternKind, Seen, TypeKind,
        walk_block,
    },
    text::Callee,
};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use std::{collections::BTreeSet, rc::Rc};

/// The statements for a function.
pub(crate) fn shadow(function: &Function, callees: &[Rc<Callee>], facade: &Facade) -> TokenStream {
    let mentions = mentions(&function.callees, callees);
    let fields = fields(function, facade);
    if mentions.is_empty() && fields.is_empty() {
        return TokenStream::new();
    }
    quote!(if false { #mentions #fields })
}

/// One statement for each definition that is mentioned.
pub(crate) fn mentions(paths: &[Path], callees: &[Rc<Callee>]) -> TokenStream {
    paths.iter().zip(callees).map(|(path, callee)| mention(path, &callee.definition)).collect()
}

fn mention(path: &Path, definition: &Definition) -> TokenStream {
    let elements = definition.elements();
    let elements = elements.iter().map(|_| quote!(::core::primitive::f32));
    let elements: Vec<TokenStream> = elements.collect();
    let turbofish = (!elements.is_empty()).then(|| quote!(::<#(#elements),*>));
    match definition {
        Definition::Function(_) | Definition::Constant(_) => quote!(let _ = #path #turbofish;),
        Definition::Struct(_) | Definition::Alias(_) => {
            quote!(let _ = ::core::mem::size_of::<#path #turbofish>();)
        }
    }
}

/// The fields of parameters that the body names, each once.
fn fields(function: &Function, facade: &Facade) -> TokenStream {
    let rebound = rebound(function);
    let mut seen = BTreeSet::new();
    let mut roots = BTreeSet::new();
    let mut uses = TokenStream::new();
    walk_block(&function.body, &mut |at| {
        let Seen::Expr(expr) = at else { return };
        let ExprKind::Field(..) = expr.kind else { return };
        let Some((root, chain)) = chain(expr) else { return };
        let known = container(function, &root).is_some() && !rebound.contains(&root);
        if known && seen.insert(chain.to_string()) {
            roots.insert(root);
            uses.extend(quote!(let _ = &#chain;));
        }
    });
    if uses.is_empty() {
        return uses;
    }
    let parameters: Vec<Parameter> = function
        .parameters
        .iter()
        .filter(|parameter| roots.contains(&parameter.name.text))
        .cloned()
        .collect();
    let elements = &function.elements;
    let host = Host::of(elements, &parameters, &function.result, facade);
    let (generics, parameters) = (host.generics(), host.parameters());
    let instance = elements.iter().map(|_| quote!(::core::primitive::f32));
    let turbofish = (!elements.is_empty()).then(|| quote!(::<#(#instance),*>));
    quote!(fn fields #generics (#parameters) { #uses } let _ = fields #turbofish;)
}

/// The parameter of this name, if it could have fields.
fn container<'f>(function: &'f Function, name: &str) -> Option<&'f Parameter> {
    let mut parameters = function.parameters.iter();
    parameters.find(|parameter| {
        parameter.name.text == name
            && matches!(parameter.ty.kind, TypeKind::Named { .. } | TypeKind::Tuple(_))
    })
}

/// Every word that the body binds: from then on it is not the parameter.
fn rebound(function: &Function) -> BTreeSet<String> {
    fn names(pattern: &crate::surface::Pattern, into: &mut BTreeSet<String>) {
        match &pattern.kind {
            PatternKind::Name { name, mutable: _ } => {
                into.insert(name.text.clone());
            }
            PatternKind::Tuple(parts) => parts.iter().for_each(|part| names(part, into)),
            PatternKind::Wildcard => {}
        }
    }
    let mut rebound = BTreeSet::new();
    walk_block(&function.body, &mut |at| {
        if let Seen::Pattern(pattern) = at {
            names(pattern, &mut rebound);
        }
    });
    rebound
}

/// `p.l1.w` with its first word.
fn chain(expr: &Expr) -> Option<(String, TokenStream)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((name.text.clone(), name.ident.to_token_stream())),
        ExprKind::Field(base, field) => {
            let (root, base) = chain(base)?;
            let field = &field.ident;
            Some((root, quote!(#base.#field)))
        }
        ExprKind::TupleIndex(base, index) => {
            let (root, base) = chain(base)?;
            let index = Literal::usize_unsuffixed(*index);
            Some((root, quote!(#base.#index)))
        }
        _ => None,
    }
}
