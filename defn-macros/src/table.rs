//! The definitions that this process has met: those of the crate that is compiled, and those of others that it uses.
//!
//! rustc resolves every name, so only texts and numbers stand here.
//! Tokens and spans cannot: they die with the expansion that made them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The definitions by number.
static TABLE: Mutex<Table> = Mutex::new(Table { entries: BTreeMap::new(), facts: 0 });

/// The table, for the length of one look.
pub(crate) fn table() -> MutexGuard<'static, Table> {
    // A panic of another expansion leaves the table whole: every change is one insertion.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All that is known about one definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: String,
    /// Its text, as [`text`](crate::text) writes it; empty for a request.
    pub(crate) text: String,
    /// The number of each definition that it mentions, as far as they have answered.
    pub(crate) edges: BTreeMap<usize, String>,
    /// How many will.
    pub(crate) expected: usize,
    /// Whether a mistake in it was told.
    pub(crate) broken: bool,
    /// Whether it reaches itself.
    pub(crate) cyclic: bool,
    /// Whether everything below it is known and sound, so that no walk needs to go there.
    pub(crate) settled: bool,
    /// Whether other crates find it in this one already.
    pub(crate) exported: bool,
}

/// Definitions, and how many facts about them have arrived.
#[derive(Debug)]
pub(crate) struct Table {
    entries: BTreeMap<String, Entry>,
    facts: usize,
}

/// What lies below a definition.
#[derive(Debug)]
pub(crate) enum Below {
    /// Everything answered.
    Whole,
    /// Everything answered, and something has a mistake that was told.
    Broken(Cause),
    /// Something did not answer.
    Waiting,
    /// It reaches itself: the names on the way.
    Cycle(Vec<String>),
}

/// What is wrong below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Some mistake.
    Mistake,
    /// Something that reaches itself.
    Cycle,
}

impl Table {
    /// Adds a definition.
    pub(crate) fn insert(&mut self, uid: &str, entry: Entry) {
        self.facts += 1;
        self.entries.insert(uid.to_owned(), entry);
    }

    /// Looks one up.
    pub(crate) fn get(&self, uid: &str) -> Option<&Entry> {
        self.entries.get(uid)
    }

    /// Changes one, which is a fact for whoever waits.
    pub(crate) fn change(&mut self, uid: &str, change: impl FnOnce(&mut Entry)) {
        self.facts += 1;
        if let Some(entry) = self.entries.get_mut(uid) {
            change(entry);
        }
    }

    /// Grows whenever something becomes known.
    pub(crate) fn facts(&self) -> usize {
        self.facts
    }

    /// A definition with a mistake: nobody waits for what it mentions.
    pub(crate) fn break_off(&mut self, uid: &str, cause: Cause) {
        self.change(uid, |entry| {
            entry.broken = true;
            entry.cyclic |= cause == Cause::Cycle;
            entry.edges.clear();
            entry.expected = 0;
        });
    }

    /// Walks everything below a definition.
    pub(crate) fn below(&mut self, root: &str) -> Below {
        let mut walk = Walk {
            entries: &self.entries,
            root,
            seen: BTreeSet::new(),
            path: Vec::new(),
            broken: false,
            cyclic: false,
            waiting: false,
        };
        if walk.finds_root(root) {
            return Below::Cycle(walk.path);
        }
        let (broken, waiting) = (walk.broken, walk.waiting);
        let cause = if walk.cyclic { Cause::Cycle } else { Cause::Mistake };
        match (waiting, broken) {
            (true, _) => Below::Waiting,
            (false, true) => Below::Broken(cause),
            (false, false) => {
                if let Some(entry) = self.entries.get_mut(root) {
                    entry.settled = true;
                }
                Below::Whole
            }
        }
    }

    /// The definitions at and below this one that other crates cannot find yet; they are marked as found.
    pub(crate) fn take_unexported(&mut self, uid: &str) -> Vec<(String, Entry)> {
        let mut taken = Vec::new();
        let mut open = vec![uid.to_owned()];
        while let Some(uid) = open.pop() {
            let Some(entry) = self.entries.get_mut(&uid) else { continue };
            if entry.exported {
                continue;
            }
            entry.exported = true;
            open.extend(entry.edges.values().cloned());
            taken.push((uid, entry.clone()));
        }
        taken
    }
}

/// One walk below one definition.
struct Walk<'t> {
    entries: &'t BTreeMap<String, Entry>,
    root: &'t str,
    seen: BTreeSet<&'t str>,
    path: Vec<String>,
    broken: bool,
    cyclic: bool,
    waiting: bool,
}

impl<'t> Walk<'t> {
    /// Whether some way leads back to the root; the path then holds the names on it.
    fn finds_root(&mut self, uid: &str) -> bool {
        let Some(entry) = self.entries.get(uid) else {
            self.waiting = true;
            return false;
        };
        self.broken |= entry.broken;
        self.cyclic |= entry.cyclic;
        self.waiting |= entry.edges.len() < entry.expected;
        if entry.settled && uid != self.root {
            return false;
        }
        self.path.push(entry.name.clone());
        let edges: Vec<&'t String> = entry.edges.values().collect();
        for edge in edges {
            if edge == self.root || (self.seen.insert(edge) && self.finds_root(edge)) {
                return true;
            }
        }
        self.path.pop();
        false
    }
}
