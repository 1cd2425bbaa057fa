//! What leaves the compiler: code for each level, the signature of the entry point, and what was done.
//!
//! The entry point is `extern "C" fn(buffers: *const *mut u8, symbols: *const i64, workspace: *mut u8, team: *const Team)`:
//! the leaves of the parameters in order, then those of the results without the updated parameters; each contiguous.

use crate::graph::{Dim, Signature};
use crate::options::Level;

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
    /// What was fused, planned and vectorized, for people.
    pub explanation: String,
}

/// The code for one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// What the processor must be able to do.
    pub level: Level,
    /// Text for the assembler that is the whole body of the entry point; in AT&T syntax on x86-64.
    pub assembly: String,
}
