//! Three kinds of failure: a mistake is the user's, a limitation is ours and known, a bug is ours and unknown.

pub mod catalogue;

pub use catalogue::Mistake;

use std::fmt;

use crate::origin::Origin;

/// What the compiler cannot do, and what works instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limitation {
    /// What it is about.
    pub origin: Origin,
    /// What cannot be done.
    pub what: String,
    /// What works instead.
    pub instead: String,
}

impl fmt::Display for Limitation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}\n  this is a limitation of defn, not a mistake of yours\n  help: {}\n  [limitation]",
            self.what, self.instead
        )
    }
}

/// Panics: what happened is a bug of the compiler. Names the stage.
#[macro_export]
macro_rules! bug {
    ($stage:expr, $($message:tt)*) => {
        panic!(
            "bug of defn in `{}`: {}\n  please report it, with the files that `DEFN_DUMP_DIR=target/defn` writes",
            $stage,
            format_args!($($message)*)
        )
    };
}
