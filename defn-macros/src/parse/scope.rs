//! The words that are bound where the reader stands, and the definitions that were mentioned so far.

use crate::surface::{CalleeId, Name, Path};
use std::collections::{BTreeMap, BTreeSet};

/// What is known while reading one item.
#[derive(Default)]
pub(super) struct Scope {
    /// The item's own name.
    pub(super) own: String,
    /// Element parameters.
    pub(super) elements: BTreeSet<String>,
    /// Axes and extents that were named, in types and as `kh = 3`.
    pub(super) axes: BTreeSet<String>,
    /// Labels that were refused.
    pub(super) labels: BTreeSet<String>,
    /// Parameters and locals, innermost last.
    locals: Vec<String>,
    /// Each definition once.
    pub(super) callees: Vec<Path>,
    numbers: BTreeMap<String, CalleeId>,
}

/// How many locals there were when a block began.
pub(super) struct Mark(usize);

impl Scope {
    /// From here to the end of the block the word is a local.
    pub(super) fn bind(&mut self, name: &Name) {
        self.locals.push(name.text.clone());
    }

    /// A block begins.
    pub(super) fn enter(&self) -> Mark {
        Mark(self.locals.len())
    }

    /// The block ends: its locals are gone.
    pub(super) fn leave(&mut self, Mark(locals): Mark) {
        self.locals.truncate(locals);
    }

    /// Whether the word is a parameter or a local.
    pub(super) fn is_local(&self, word: &str) -> bool {
        self.locals.iter().any(|local| local == word)
    }

    /// Whether the word is a local, an axis or an extent.
    pub(super) fn is_bound(&self, word: &str) -> bool {
        self.is_local(word) || self.axes.contains(word)
    }

    /// Notes that a definition is mentioned.
    pub(super) fn callee(&mut self, path: &Path) -> CalleeId {
        let fresh = CalleeId(self.callees.len());
        let id = *self.numbers.entry(path.text()).or_insert(fresh);
        if id == fresh {
            self.callees.push(path.clone());
        }
        id
    }
}
