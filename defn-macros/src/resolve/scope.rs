//! One name space: every word of a function is a parameter, a local, an axis or an extent (R1).

use super::value::Value;
use defn_codegen::graph::Dim;
use std::collections::BTreeMap;

/// How a local came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// A parameter by value.
    Parameter,
    /// A `&mut` parameter.
    Reference,
    /// `let`.
    Fixed,
    /// `let mut`.
    Mutable,
}

impl Binding {
    /// What it is, in a sentence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Parameter => "a parameter",
            Self::Reference => "a `&mut` parameter",
            Self::Fixed | Self::Mutable => "a local",
        }
    }
}

/// A parameter or a local.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Its name; one with a `#` in front is not the user's.
    pub(super) name: String,
    /// Its value.
    pub(super) value: Value,
    /// How it came to be.
    pub(super) binding: Binding,
}

/// The words that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Innermost last.
    pub(super) locals: Vec<Local>,
    /// The extents that the signature gives each axis.
    pub(super) axes: BTreeMap<String, Vec<Dim>>,
}

impl Scope {
    /// The position of the innermost local of this name.
    pub(super) fn local(&self, name: &str) -> Option<usize> {
        self.locals.iter().rposition(|local| local.name == name)
    }

    /// Every word, for guessing what was meant.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let locals = self.locals.iter().map(|local| local.name.as_str());
        let locals = locals.filter(|name| !name.starts_with('#'));
        locals.chain(self.axes.keys().map(String::as_str))
    }
}
