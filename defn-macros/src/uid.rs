//! The number by which a definition is known, in its own crate and in all that use it.
//!
//! It depends on the crate, the place and the text, so two builds of one source agree.
//! A counter tells apart what a `macro_rules!` without arguments expands to twice: same place, same text.

use crate::invocation;
use proc_macro2::Span;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

/// How often each number was given out.
static GIVEN: Mutex<BTreeMap<u64, u32>> = Mutex::new(BTreeMap::new());

/// The number of a definition with this text, whose name stands here.
pub(crate) fn uid(text: &str, at: Span) -> String {
    let mut hasher = DefaultHasher::new();
    (&invocation::get().identity, place(at), text).hash(&mut hasher);
    let hash = hasher.finish();
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = given.entry(hash).or_insert(0);
    *count += 1;
    if *count == 1 { format!("{hash:016x}") } else { format!("{hash:016x}_{count}") }
}

/// `file:line:column`.
pub(crate) fn place(at: Span) -> String {
    let at = at.unwrap();
    format!("{}:{}:{}", at.file(), at.line(), at.column())
}

/// The line on which something stands.
pub(crate) fn line(at: Span) -> u32 {
    u32::try_from(at.unwrap().line()).unwrap_or(u32::MAX)
}
