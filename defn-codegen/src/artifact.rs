//! What leaves the compiler: code for each level, the signature of the entry point, and what was done.
//!
//! The entry point is `extern "C" fn(buffers: *const *mut u8, symbols: *const i64, workspace: *mut u8, team: *const Team)`:
//! the leaves of the parameters in order, then those of the results without the updated parameters; each contiguous.
//! If the host looks at values, the address of what it is called through stands behind them.

use crate::graph::{Dim, Signature, TensorType};
use crate::options::Level;
use crate::origin::{Origin, Site};

/// The status of a call in which no condition failed.
pub const NONE_FAILED: i64 = i64::MAX;

/// A compiled function.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// How it is called.
    pub signature: Signature,
    /// The code for each level, in the order of the options.
    pub code: Vec<Code>,
    /// Bytes of scratch: the largest of these, of which levels have one each.
    pub workspace: Dim,
    /// Bytes of scratch behind them for each thread, likewise.
    pub private: Dim,
    /// Where the host looks at values, by the number that the code gives it: for whom, and of which type over the symbols.
    pub inspects: Vec<(Site, TensorType)>,
    /// Whether the last result is the number of the condition that failed first, [`NONE_FAILED`] if all hold.
    pub has_status: bool,
    /// What a status says whose low half is behind those of the conditions, if NaNs are hunted; the high half is a round.
    pub suspects: Vec<Suspect>,
    /// What was fused, planned and vectorized, for people.
    pub explanation: String,
}

/// What may have made a NaN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Where the user wrote it.
    pub origin: Origin,
    /// What it does, in a word.
    pub word: &'static str,
}

/// The code for one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// What the processor must be able to do.
    pub level: Level,
    /// Text for the assembler that is the whole body of the entry point; in AT&T syntax on x86-64.
    pub assembly: String,
}
