//! What leaves the compiler: code for each level and device, the signature of the entry point, and what was done.
//!
//! The entry point is `extern "C" fn(buffers: *const *mut u8, symbols: *const i64, workspace: *mut u8, team: *const Team)`:
//! the leaves of the parameters in order, then those of the results without the updated parameters; each contiguous.
//! If the host looks at values, the address of what it is called through stands behind them.
//!
//! A device has no entry point: its code is a module of kernels in PTX, and [`Step`]s say in which order the host launches them.
//! A kernel takes its arguments, then its numbers, then, if it has private scratch, where that is and how many bytes each team has:
//!
//! ```text
//! .entry softmax_0(ptr x, ptr y, i64 offset of a private buffer, i64 n, i64 m, ptr private, i64 stride)
//! ```
//!
//! Teams of `threads` threads lie in blocks of `teams`, and a block is a row of threads. Any number of blocks executes all tasks: team `k` of `all`
//! executes the tasks `k`, `k + all`, and so on, and has the bytes from `private + k * stride` for itself.

use crate::graph::{Dim, Signature, TensorType};
use crate::options::{Compute, Level};
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
    /// The code for each device, in the order of the options.
    pub devices: Vec<DeviceCode>,
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

/// The code for one kind of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// What the device must be able to do.
    pub compute: Compute,
    /// The text of a module of kernels, as the driver takes it.
    pub ptx: String,
    /// What the host does, in order.
    pub steps: Vec<Step>,
    /// Bytes of scratch on the device, aligned to 64.
    pub workspace: Dim,
    /// Bytes of scratch on the device for each team, a multiple of 64 and aligned so.
    pub private: Dim,
}

/// What the host does for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Launches a kernel, if there are tasks.
    Launch(Launch),
    /// Does what follows up to its end this often, in a round each.
    Repeat {
        /// How often; not at all below 1.
        extent: Dim,
    },
    /// Does what follows up to its end, round after round, until it is left.
    Loop,
    /// Leaves the innermost `Loop` unless this `bool` holds.
    Leave {
        /// A byte.
        unless: Place,
    },
    /// Does what follows up to its `Else` or end if this `bool` holds.
    If {
        /// A byte.
        condition: Place,
    },
    /// Does what follows up to the end if the condition of the `If` does not hold.
    Else,
    /// The end of a `Repeat`, `Loop` or `If`.
    End,
    /// Shows the user a value.
    Inspect {
        /// Which of [`Artifact::inspects`].
        number: usize,
        /// Where it is.
        place: Place,
    },
}

/// A launch of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The name of its entry in the module.
    pub kernel: String,
    /// How many tasks there are; below 1 nothing is launched.
    pub tasks: Dim,
    /// How many threads a team has: 32, or a multiple of it.
    pub threads: u32,
    /// How many teams a block has; 1 if a team is more than a warp.
    pub teams: u32,
    /// Bytes of shared memory that a block is given at the launch, beside what the kernel declares; more than 48 KiB must be asked for.
    pub shared: u32,
    /// What the kernel works on, in the order of its parameters.
    pub arguments: Vec<Place>,
    /// The numbers behind them, 64 bits each.
    pub numbers: Vec<Number>,
    /// Whether behind those it takes where private scratch is, and how much of it a team has: [`DeviceCode::private`].
    pub has_private: bool,
}

/// Where a buffer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An argument of the entry point, counted as on the host.
    Argument(usize),
    /// So many bytes into the workspace.
    Workspace(Dim),
    /// So many bytes into the private scratch of every team: a kernel takes this number, not an address.
    Private(Dim),
}

/// A number that a kernel reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// An extent.
    Extent(Dim),
    /// The round of a `Repeat` or `Loop` around, counted from 0: of the outermost if this is 0, and so on inwards.
    Round(usize),
}
