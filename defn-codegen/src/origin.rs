//! The opaque place in the user's source that a node comes from.
//!
//! `defn-macros` keeps the table from numbers to spans; nothing here can look inside.

/// A place in the user's source, as a number that only `defn-macros` can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u32);

impl Origin {
    /// The place of what no user wrote: nodes of a pass, of a test, of a dump.
    pub const NONE: Self = Self(0);
}

/// A place where the host looks at a value while the code runs, as a number that only `defn-macros` can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(pub u32);
