//! A definition as one string literal: how it travels between expansions and between crates.
//!
//! ```text
//! 2 ␟ src/lib.rs:7:8 ␟ softmax ␟ 9 12 ␟ grad = my_rule ␟ fn softmax(x: Tensor<f32, n>) -> …
//! ```
//!
//! One string, because rustc carries a literal in no time and tokens slowly: 200 functions take 1 s instead of 22.
//! Attributes of the item stay behind: they mean nothing to a caller.

use crate::{
    cache, parse,
    surface::Definition,
    uid::{line, place},
};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree, fallback};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// What stands between the parts; no source file has it.
const SEPARATOR: char = '\u{1f}';
/// Changes whenever the language or this format does.
const VERSION: &str = "2";

/// A definition that another one mentions, with all that it mentions itself.
#[derive(Debug)]
pub(crate) struct Callee {
    /// Its number.
    pub(crate) uid: String,
    /// Where it is defined: `file:line:column`.
    pub(crate) place: String,
    /// The line of each `inspect!` and `check!`.
    pub(crate) lines: Vec<u32>,
    /// Whether it has hooks, or something that it mentions.
    pub(crate) has_hooks: bool,
    /// Equal for equal text, here and in all that it mentions, wherever that stands.
    pub(crate) fingerprint: String,
    /// What it is. Its spans mean nothing: blame the token of the caller, and give the place as a fact.
    pub(crate) definition: Definition,
    /// What it mentions, by `CalleeId`.
    pub(crate) callees: Vec<Rc<Callee>>,
}

thread_local! {
    /// Each definition is read once for all its callers.
    static READ: RefCell<BTreeMap<String, Rc<Callee>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Writes a definition down, with what it is called, the place of that, and those of its hooks.
pub(crate) fn write(
    (name, at): (&str, Span),
    hooks: &[Span],
    options: &TokenStream,
    item: &TokenStream,
) -> String {
    let item = without_attributes(item);
    let lines: Vec<String> = hooks.iter().map(|hook| line(*hook).to_string()).collect();
    let (options, item) = (options.to_string(), item.to_string());
    [VERSION, &place(at), name, &lines.join(" "), &options, &item].join(&SEPARATOR.to_string())
}

/// Whether this version can read the text.
pub(crate) fn is_readable(text: &str) -> bool {
    text.split(SEPARATOR).next() == Some(VERSION)
}

/// The name that a text defines.
pub(crate) fn name(text: &str) -> &str {
    text.split(SEPARATOR).nth(2).unwrap_or("?")
}

/// Reads a definition and everything below it; `texts` gives the text and the edges of each number.
pub(crate) fn read(
    uid: &str,
    texts: &impl Fn(&str) -> Option<(String, Vec<String>)>,
) -> Option<Rc<Callee>> {
    if let Some(callee) = READ.with_borrow(|read| read.get(uid).cloned()) {
        return Some(callee);
    }
    let (text, edges) = texts(uid)?;
    let mut parts = text.split(SEPARATOR).skip(1);
    let (place, _, lines) = (parts.next()?, parts.next()?, parts.next()?);
    let (options, item) = (parts.next()?, parts.next()?);
    let definition = parse_detached(options, item)?;
    let callees: Option<Vec<Rc<Callee>>> = edges.iter().map(|edge| read(edge, texts)).collect();
    let callees = callees?;
    let callee = Rc::new(Callee {
        uid: uid.to_owned(),
        place: place.to_owned(),
        lines: lines.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?,
        has_hooks: !definition.hooks().is_empty() || callees.iter().any(|callee| callee.has_hooks),
        fingerprint: fingerprint(&[options, item], &callees),
        definition,
        callees,
    });
    READ.with_borrow_mut(|read| read.insert(uid.to_owned(), Rc::clone(&callee)));
    Some(callee)
}

/// What the code of a definition depends on besides compiler and target.
pub(crate) fn fingerprint(own: &[&str], callees: &[Rc<Callee>]) -> String {
    let below = callees.iter().map(|callee| callee.fingerprint.as_str());
    cache::hash(&own.iter().copied().chain(below).collect::<Vec<_>>())
}

/// The parts of a text that code depends on: not where it stands.
pub(crate) fn content(text: &str) -> Vec<&str> {
    text.split(SEPARATOR).skip(4).collect()
}

/// Parses without rustc, so that the result outlives the expansion and costs no calls into the compiler.
fn parse_detached(options: &str, item: &str) -> Option<Definition> {
    struct Detached;
    impl Drop for Detached {
        fn drop(&mut self) {
            fallback::unforce();
        }
    }
    fallback::force();
    let _detached = Detached;
    let (options, item) = (options.parse().ok()?, item.parse().ok()?);
    let item = parse::parse(options, item).ok()?;
    item.mistakes.is_empty().then_some(item.definition)
}

/// The item from its visibility on.
fn without_attributes(item: &TokenStream) -> TokenStream {
    let mut tokens = item.clone().into_iter().peekable();
    loop {
        match tokens.peek() {
            Some(TokenTree::Punct(punct)) if punct.as_char() == '#' => {
                tokens.next();
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                tokens.next();
            }
            _ => return tokens.collect(),
        }
    }
}
