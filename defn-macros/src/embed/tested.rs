//! The test that a user asked for: rules beside differences of their function.
//!
//! ```text
//! #[cfg(test)] impl root { fn __rules() -> Held { check_rules(&Ruled { …, vjp!(root, wrt = (x)) … }) } }
//! #[cfg(test)] #[test] fn rules_of_root() { rules_hold(root::__rules()) }
//! ```
//!
//! The derivatives are requests like any other, whose code is asked for instead of a function to call; rustc expands them in a test build only.
//! What is computed stands in an associated function, so that a test of tests can look at what is said.
//! A function that is generic in its elements is tested with all of them `f32`, then with all `f64`.

use super::function::helper;
use crate::{
    facade::Facade,
    resolve::Tested,
    surface::{Function, GivenNumbers, Path, RuleTest},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The test of a function.
pub(crate) fn tested(
    function: &Function,
    test: &RuleTest,
    parameters: &[Tested],
    uid: &str,
    facade: &Facade,
) -> TokenStream {
    let private = quote!(#facade::__private);
    let mut helper = helper(function, uid);
    helper.set_span(Span::call_site());
    let name = &function.name.text;
    let test_name = format_ident!("rules_of_{name}", span = Span::call_site());
    let given = given(test, &private);
    let codes = choices(function).map(
        |elements| quote!(#helper::__function(::core::marker::PhantomData::<(#(#elements,)*)>, ())),
    );
    let asked = |rule: Option<&Path>, word| {
        rule.map(|rule| asked(function, rule, word, parameters, facade))
    };
    let rule_of = |rule: &Option<(Path, _)>| rule.as_ref().map(|(path, _)| path.clone());
    let (gradient, jvp) = (rule_of(&function.options.grad), rule_of(&function.options.jvp));
    let mention = {
        let mut name = function.name.ident.clone();
        name.set_span(Span::call_site().located_at(name.span()));
        let first = choices(function).next().filter(|elements| !elements.is_empty());
        let any = first.map(|elements| quote!(::<#(#elements),*>));
        quote!(if false { let _ = #name #any; })
    };
    let gradient = optional(asked(gradient.as_ref(), "code_of_vjp"));
    let jvp = optional(asked(jvp.as_ref(), "code_of_jvp"));
    let parameters = parameters.iter().map(|Tested { leaves, moves, is_extent }| {
        quote!(#private::Tested { leaves: #leaves, moves: #moves, is_extent: #is_extent })
    });
    quote! {
        #[cfg(test)]
        #[automatically_derived]
        impl #helper {
            #[doc(hidden)]
            fn __rules() -> #private::Held {
                #mention
                #private::check_rules(&#private::Ruled {
                    name: #name,
                    parameters: &[#(#parameters),*],
                    given: &[#(#given),*],
                    functions: &[#(#codes),*],
                    gradient: #gradient,
                    jvp: #jvp,
                })
            }
        }
        #[cfg(test)]
        #[::core::prelude::v1::test]
        fn #test_name() {
            #private::rules_hold(#helper::__rules());
        }
    }
}

fn optional(tokens: Option<TokenStream>) -> TokenStream {
    match tokens {
        Some(tokens) => quote!(::core::option::Option::Some(#tokens)),
        None => quote!(::core::option::Option::None),
    }
}

fn given(test: &RuleTest, private: &TokenStream) -> Vec<TokenStream> {
    let given = test.given.iter().map(|point| {
        let path = &point.path;
        let is = match point.is {
            GivenNumbers::Range(low, high) => quote!(#private::Given::Range(#low, #high)),
            GivenNumbers::Number(number) => quote!(#private::Given::Number(#number)),
        };
        quote!((#path, #is))
    });
    given.collect()
}

/// The name of a rule, and the request that asks it.
fn asked(
    function: &Function,
    rule: &Path,
    word: &str,
    parameters: &[Tested],
    facade: &Facade,
) -> TokenStream {
    let (rule, word) = (rule.text(), Ident::new(word, Span::call_site()));
    let mut name = function.name.ident.clone();
    name.set_span(Span::call_site().located_at(name.span()));
    let moving = function.parameters.iter().zip(parameters).filter(|(_, tested)| tested.moves);
    let moving = moving.map(|(parameter, _)| {
        let mut name = parameter.name.ident.clone();
        name.set_span(Span::call_site());
        name
    });
    quote!((#rule, #facade::__private::codes(&#facade::__private::__request! { {#facade} #word #name, wrt = (#(#moving),*) })))
}

/// All elements `f32`, then all `f64`; the one choice of a function that is not generic.
pub(crate) fn choices(function: &Function) -> impl Iterator<Item = Vec<TokenStream>> + use<'_> {
    let count = if function.elements.is_empty() { 1 } else { 2 };
    let elements = [quote!(::core::primitive::f32), quote!(::core::primitive::f64)];
    elements.into_iter().take(count).map(|element| vec![element; function.elements.len()])
}
