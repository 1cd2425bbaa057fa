//! The table of contents of this crate: what happens to an item, and to a request, from tokens to tokens.
//!
//! ```text
//! #[defn] item  ->  parse -> announce -> ask … wait -> check -> cache or emit -> embed -> export
//! grad!(f)      ->  parse ->             ask … wait -> check -> cache or emit -> embed
//! ```

use crate::{
    announce::{announce, ask, what},
    cache, embed,
    embed::{container::Soundness, host_code::Code},
    export::export,
    facade::Facade,
    fallback, invocation,
    parse::{Item, Refusal, parse, parse_request},
    pipeline::{self, Emitted, Subject},
    report::{Mistake, report},
    requested::Requested,
    surface::{Definition, Function, Path, Request, RequestKind},
    table::{Cause, Entry, table},
    text::{self, Callee},
    uid::uid,
    wait::{State, Turn},
};
use defn_codegen::diagnostic::catalogue::{self, CallMistake};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use std::{
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

/// `#[defn]` on an item.
pub(crate) fn item(options: TokenStream, tokens: TokenStream) -> TokenStream {
    let item = match parse(options.clone(), tokens.clone()) {
        Ok(item) => item,
        Err(mistakes) => return fallback::without_signature(&mistakes, &tokens),
    };
    let name = item.definition.name();
    let facade = Facade::of(item.definition.options());
    let text = text::write((&name.text, name.span()), item.definition.hooks(), &options, &tokens);
    let uid = uid(&text, name.span());
    let callees = item.definition.callees();
    let broken = !item.mistakes.is_empty();
    let expected = if broken { 0 } else { callees.len() };
    table().insert(
        &uid,
        Entry { name: name.text.clone(), text, expected, broken, ..Entry::default() },
    );
    if broken {
        return fallback::with_signature(&item, &uid, &facade);
    }
    let announced = announce(&item, &uid, &facade);
    if invocation::get().is_editor {
        let leaves = leaves(&item, Soundness::Whole, &facade);
        return quote!(#announced #leaves);
    }
    // What mentions nothing waits for nobody.
    let rest = if callees.is_empty() {
        finish(&item, &uid, &facade)
    } else {
        let questions = ask(callees, &uid, &facade);
        let wait = State::new(&uid, "item", &facade, options, tokens).yield_turn();
        quote!(#questions #wait)
    };
    quote!(#announced #rest)
}

/// `grad!(f)` in ordinary Rust: the facade's `$crate`, the request's word, then what the user wrote.
pub(crate) fn request(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let facade = match tokens.next() {
        // As this crate writes it: more than one token.
        Some(TokenTree::Group(facade)) => Facade(facade.stream()),
        facade => Facade(facade.into_iter().collect()),
    };
    let word = tokens.next().map_or_else(String::new, |word| word.to_string());
    let tokens: TokenStream = tokens.collect();
    let Some((kind, _)) = asked(&word) else {
        return fallback::expression(&[]);
    };
    let paths = match parse_request(kind, tokens.clone()) {
        Ok((_, paths)) => paths,
        Err(mistakes) => return fallback::expression(&mistakes),
    };
    let uid = uid(&tokens.to_string(), Span::call_site());
    table().insert(&uid, Entry { expected: paths.len(), ..Entry::default() });
    let questions = ask(&paths, &uid, &facade);
    let wait = State::new(&uid, &word, &facade, TokenStream::new(), tokens).yield_turn();
    quote!({ #questions #wait })
}

/// The second half of an expansion, as often as it takes.
pub(crate) fn compile(tokens: TokenStream) -> TokenStream {
    let state: State = match syn::parse2(tokens) {
        Ok(state) => state,
        Err(error) => return error.to_compile_error(),
    };
    let (state, turn) = state.turn();
    if let Turn::Again(tokens) = turn {
        return tokens;
    }
    if !state.is_item() {
        return compile_request(&state, &turn);
    }
    let Ok(item) = parse(state.options.clone(), state.tokens.clone()) else {
        return TokenStream::new();
    };
    match turn {
        Turn::Whole => finish(&item, &state.uid, &state.facade),
        Turn::Broken(cause) => break_off(&item, &state.uid, &state.facade, cause),
        Turn::Cycle(names) => {
            let broken = break_off(&item, &state.uid, &state.facade, Cause::Cycle);
            // Of containers rustc says it itself.
            let Definition::Function(function) = &item.definition else { return broken };
            let message = Refusal::Cycle(names).message();
            let errors = report(&[Mistake { message, span: function.name.span() }]);
            quote!(#errors #broken)
        }
        // rustc says which name does not exist.
        Turn::GiveUp | Turn::Again(_) => leaves(&item, Soundness::Broken, &state.facade),
    }
}

/// The definition is whole: its code, and what other crates read.
fn finish(item: &Item, uid: &str, facade: &Facade) -> TokenStream {
    let callees = match callees(uid, item.definition.callees()) {
        Ok(callees) => callees,
        Err(mistakes) => return refuse(item, uid, facade, &mistakes),
    };
    let subject = match &item.definition {
        Definition::Function(function) => Subject::Function(function),
        Definition::Struct(container) => Subject::Struct(container),
        Definition::Constant(constant) => Subject::Constant(constant),
        Definition::Alias(alias) => Subject::Alias(alias),
    };
    let text = table().get(uid).map(|entry| entry.text.clone()).unwrap_or_default();
    let fingerprint = text::fingerprint(&text::content(&text), &callees);
    let outcome = match compile_definition(&subject, &callees, &fingerprint) {
        Outcome::Mistakes(mistakes) => return refuse(item, uid, facade, &mistakes),
        outcome => outcome,
    };
    let Definition::Function(function) = &item.definition else {
        let (exported, leaves) = (exported(item, uid), leaves(item, Soundness::Whole, facade));
        return quote!(#exported #leaves);
    };
    let parameters = match pipeline::tested(function, &callees) {
        Ok(parameters) => parameters,
        Err(mistakes) => return refuse(item, uid, facade, &mistakes),
    };
    let test =
        function.options.test.as_ref().zip(parameters).map(|(test, parameters)| {
            embed::tested::tested(function, test, &parameters, uid, facade)
        });
    let exported = exported(item, uid);
    let implemented = implement(function, uid, &outcome, &callees, facade);
    quote!(#exported #implemented #test)
}

/// A mistake was found behind the syntax.
fn refuse(item: &Item, uid: &str, facade: &Facade, mistakes: &[Mistake]) -> TokenStream {
    let errors = report(mistakes);
    let broken = break_off(item, uid, facade, Cause::Mistake);
    quote!(#errors #broken)
}

/// There will be no code.
fn break_off(item: &Item, uid: &str, facade: &Facade, cause: Cause) -> TokenStream {
    table().break_off(uid, cause);
    let exported = exported(item, uid);
    // A container of infinite size is rustc's error, and an `impl` for it would only add others.
    let leaves = (cause == Cause::Mistake).then(|| leaves(item, Soundness::Broken, facade));
    quote!(#exported #leaves)
}

/// What other crates read, if they can see the item.
fn exported(item: &Item, uid: &str) -> TokenStream {
    if item.declaration.is_public { export(uid) } else { TokenStream::new() }
}

/// How a container is taken apart; nothing for other items.
fn leaves(item: &Item, soundness: Soundness, facade: &Facade) -> TokenStream {
    match &item.definition {
        Definition::Struct(container) => {
            embed::container::leaves(container, &item.declaration, soundness, facade)
        }
        _ => TokenStream::new(),
    }
}

/// The inherent functions that win over those of last resort.
fn implement(
    function: &Function,
    uid: &str,
    outcome: &Outcome,
    callees: &[Rc<Callee>],
    facade: &Facade,
) -> TokenStream {
    let helper = {
        let mut helper = embed::function::helper(function, uid);
        helper.set_span(Span::call_site());
        helper
    };
    let bounds = function.elements.iter().map(|element| embed::signature::generic(element, facade));
    let bounds = embed::quiet(bounds.map(|bound| quote!(#bound,)).collect());
    let elements = function.elements.iter().map(|element| {
        let name = Ident::new(&element.name.text, Span::call_site());
        quote!(#name,)
    });
    let shadow = embed::shadow::shadow(function, callees, facade);
    let code = embed::host_code::host_code(
        &function.name.text,
        &function.elements,
        outcome.code(),
        facade,
    );
    let explanation = outcome.explanation();
    let environment = environment();
    quote! {
        #[automatically_derived]
        impl #helper {
            #[doc(hidden)]
            const __EXPLANATION: &'static ::core::primitive::str = #explanation;
            #[doc(hidden)]
            fn __function<#bounds>(
                _: ::core::marker::PhantomData<(#(#elements)*)>,
                _: (),
            ) -> &'static #facade::__private::Function {
                #environment
                #shadow
                #code
            }
        }
    }
}

/// What makes cargo build again when someone asks for dumps; once in a crate is enough.
fn environment() -> Option<TokenStream> {
    static TRACKED: AtomicBool = AtomicBool::new(false);
    let first = !TRACKED.swap(true, Ordering::Relaxed);
    let track = |variable: &str| quote!(let _ = ::core::option_env!(#variable););
    first.then(|| ["DEFN_DUMP", "DEFN_DUMP_DIR"].map(track).into_iter().collect())
}

/// What a request becomes.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// A function of Rust.
    Function,
    /// The code, for a test of rules.
    Codes,
}

/// The request of a word, and what it becomes.
fn asked(word: &str) -> Option<(RequestKind, Form)> {
    let (word, form) = match word.strip_prefix("code_of_") {
        Some(word) => (word, Form::Codes),
        None => (word, Form::Function),
    };
    RequestKind::named(word).map(|kind| (kind, form))
}

/// A request whose turn has come.
fn compile_request(state: &State, turn: &Turn) -> TokenStream {
    let asked = asked(&state.kind.to_string());
    let request = asked.map(|(kind, _)| parse_request(kind, state.tokens.clone()));
    let (Some((kind, form)), Some(Ok((request, paths)))) = (asked, request) else {
        return fallback::expression(&[]);
    };
    let written = [kind.word().to_owned(), state.tokens.to_string()];
    let (path, _) = request.function();
    let whole = matches!(turn, Turn::Whole);
    match callees(&state.uid, &paths) {
        Ok(callees) => match callees.first().map(|callee| &callee.definition) {
            Some(Definition::Function(function)) => {
                let fingerprint = text::fingerprint(&[&written[0], &written[1]], &callees);
                let below = whole.then_some((&callees, fingerprint.as_str()));
                requested((&request, form), function, below, &state.facade)
            }
            Some(other) => {
                let mistake =
                    CallMistake::NotAFunction { name: path.text(), kind: what(other).to_owned() };
                let message = catalogue::Mistake::from(mistake).message();
                fallback::expression(&[Mistake { message, span: path.span() }])
            }
            None => fallback::expression(&[]),
        },
        Err(mistakes) if !mistakes.is_empty() => fallback::expression(&mistakes),
        // Asked once more, rustc repeats its error about the name, and identical errors are shown once.
        Err(_) => quote!(#path ! {}),
    }
}

/// The expression for a request of a known function; without callees, a mistake below was told.
fn requested(
    (request, form): (&Request, Form),
    function: &Function,
    below: Option<(&Vec<Rc<Callee>>, &str)>,
    facade: &Facade,
) -> TokenStream {
    let (path, _) = request.function();
    let signature = match Requested::of(request, function) {
        Ok(signature) => signature,
        Err(mistakes) => return fallback::expression(&mistakes),
    };
    let embed = |code| match form {
        Form::Function => embed::request::request(path, function, &signature, code, facade),
        Form::Codes => embed::request::codes(function, code, facade),
    };
    let Some((callees, fingerprint)) = below else { return embed(Code::Broken) };
    match compile_definition(&Subject::Request(request), callees, fingerprint) {
        Outcome::Mistakes(mistakes) => {
            let (errors, stub) = (report(&mistakes), embed(Code::Broken));
            quote!({ #errors #stub })
        }
        outcome => embed(outcome.code()),
    }
}

/// The surfaces of all that a definition mentions; no mistakes if one of them is not known.
fn callees(uid: &str, paths: &[Path]) -> Result<Vec<Rc<Callee>>, Vec<Mistake>> {
    let table = table();
    let Some(entry) = table.get(uid) else { return Err(Vec::new()) };
    let edges: Vec<&String> = entry.edges.values().collect();
    let texts = |uid: &str| {
        let entry = table.get(uid)?;
        (!entry.text.is_empty())
            .then(|| (entry.text.clone(), entry.edges.values().cloned().collect()))
    };
    let mut mistakes = Vec::new();
    for (edge, path) in edges.iter().zip(paths) {
        let is_foreign = table.get(edge).is_some_and(|entry| !text::is_readable(&entry.text));
        if is_foreign {
            mistakes.push(Mistake {
                message: Refusal::OtherVersion(path.text()).message(),
                span: path.span(),
            });
        }
    }
    let callees: Option<Vec<Rc<Callee>>> =
        edges.iter().map(|edge| text::read(edge, &texts)).collect();
    match callees {
        Some(callees) if mistakes.is_empty() && callees.len() == paths.len() => Ok(callees),
        _ => Err(mistakes),
    }
}

/// What the compiler says about a definition.
enum Outcome {
    /// The user must change something.
    Mistakes(Vec<Mistake>),
    /// Nothing is wrong, and nobody asked for code.
    Checked,
    /// Code.
    Compiled(Box<Emitted>),
}

impl Outcome {
    fn code(&self) -> Code<'_> {
        match self {
            Self::Mistakes(_) => Code::Broken,
            Self::Checked => Code::CheckedOnly,
            Self::Compiled(compiled) => Code::Compiled(compiled),
        }
    }

    fn explanation(&self) -> &str {
        match self {
            Self::Mistakes(_) | Self::Checked => "",
            Self::Compiled(compiled) => &compiled.explanation,
        }
    }
}

/// The whole compiler, as this crate sees it.
fn compile_definition(subject: &Subject<'_>, callees: &[Rc<Callee>], fingerprint: &str) -> Outcome {
    let has_code = matches!(subject, Subject::Function(_) | Subject::Request(_));
    let invocation = invocation::get();
    let wants_code = has_code && invocation.wants_code;
    // Only what has no mistake is kept, so that what is kept needs no look.
    // Who asks for dumps wants the stages to run.
    let is_kept = !subject.hunts(callees);
    let asks_cache = wants_code && !invocation.dumps() && is_kept;
    if let Some(mut emitted) = asks_cache.then(|| cache::load(fingerprint)).flatten() {
        emitted.locate(subject, callees);
        return Outcome::Compiled(Box::new(emitted));
    }
    if let Err(mistakes) = pipeline::check(subject, callees) {
        return Outcome::Mistakes(mistakes);
    }
    if !wants_code {
        return Outcome::Checked;
    }
    match pipeline::emit(subject, callees) {
        Ok(mut emitted) => {
            if is_kept {
                cache::store(fingerprint, &emitted);
            }
            emitted.locate(subject, callees);
            Outcome::Compiled(Box::new(emitted))
        }
        Err(mistakes) => Outcome::Mistakes(mistakes),
    }
}
