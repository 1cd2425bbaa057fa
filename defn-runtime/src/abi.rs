//! The contract with generated code.
//!
//! The compiler writes one [`Function`] for each compiled function into the user's program: what it takes, what it returns,
//! what must hold between the two, and one [`Entry`] for each level of the processor.
//! Nothing here runs; [`solve`](crate::solve) reads the signature and [`call`](crate::call) enters the code.
//!
//! # Buffers
//! The buffers are the leaves of the parameters in order, then the leaves of the results in order.
//! Each is contiguous and row-major, and aligned for its element only.
//! The leaf of a `&mut` parameter stands once, among the parameters, and is updated in place.
//! A `bool` is one byte, 0 or 1. A scalar is a buffer of rank 0. A `usize` parameter is an `i64` of rank 0.
//! The buffers of results hold nothing when the entry begins, and every element when it ends.
//!
//! # Hooks
//! Behind the results of a function with hooks stand two more addresses. The first is of the status: an `i64` that is the number of the
//! condition that failed first, or `i64::MAX`. Its high half is zero, or the round of a loop, counted from one. The second is of a structure that begins with the address of a function
//! `void (*)(ptr structure, i64 number, ptr elements)`, which the code calls with every value that it shows, on the calling thread.
//!
//! # Extents
//! The symbols are the unknown extents of a signature, such as `batch`.
//! They are solved from the shapes of the arguments in the order of [`Signature::solves`].
//! Afterwards every axis of every parameter is compared with what its expression says, then the checks are made,
//! and then the shapes of the results and the size of the workspace are computed.

use crate::element::ElementKind;
use crate::level::Level;
use crate::plan::Plan;

const _: () = assert!(
    size_of::<usize>() == size_of::<i64>(),
    "generated code reads `usize` as `i64`: 64-bit targets only"
);

/// The code of a compiled function.
///
/// `buffers` has one address for each leaf, `symbols` one value for each symbol,
/// and `workspace` as many bytes as the signature asks for, at a multiple of 64: behind what it asks for the call,
/// as often as there are threads what it asks for each.
/// `team` is null if the code shall do everything itself.
pub type Entry = unsafe extern "C" fn(
    buffers: *const *mut u8,
    symbols: *const i64,
    workspace: *mut u8,
    team: *const Team,
);

/// What executes the large loops of a call.
#[derive(Debug)]
#[repr(C)]
pub struct Team {
    /// Executes a job, and returns when it is done.
    pub run: unsafe extern "C" fn(team: *const Team, job: *const Job),
    /// A loop that takes fewer picoseconds is no job.
    pub gate: i64,
}

/// A loop whose iterations may be executed in any order and at the same time.
#[derive(Debug)]
#[repr(C)]
pub struct Job {
    /// Executes the iterations from `begin` to `end`, with scratch that no other thread uses meanwhile.
    pub task:
        unsafe extern "C" fn(arguments: *const *mut u8, begin: i64, end: i64, private: *mut u8),
    /// Passed to every task.
    pub arguments: *const *mut u8,
    /// The scratch of the calling thread.
    pub private: *mut u8,
    /// How many bytes behind it that of the next thread begins.
    pub stride: i64,
    /// How many iterations there are.
    pub iterations: i64,
    /// Every `begin` is a multiple of this.
    pub multiple: i64,
    /// About how many picoseconds they take together.
    pub whole: i64,
    /// About how many picoseconds every range takes besides, if it lies in one block.
    pub front: i64,
    /// How many iterations are a block.
    pub block: i64,
}

/// An integer expression over the symbols, as postfix code.
///
/// | words | means |
/// |---|---|
/// | `0, c` | the constant `c` |
/// | `1, k` | the value of symbol `k` |
/// | `2` | sum of the two on top |
/// | `3` | product |
/// | `4` | quotient, rounded down; divided by zero it is zero |
/// | `5` | the larger |
/// | `6` | the smaller |
/// | `7` | the root of the one on top, rounded down; of a negative number it is zero |
#[derive(Clone, Copy, Debug)]
pub struct Extent(pub &'static [i64]);

/// One axis of a leaf.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// The name of the axis, or the empty string.
    pub name: &'static str,
    /// The extent as the user wrote it, such as `2 * n + 1`.
    pub text: &'static str,
    /// The extent.
    pub extent: Extent,
}

/// One tensor of a parameter or of a result.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// How the user reaches it, such as `p.l1.w`; empty for a result that is one tensor.
    pub path: &'static str,
    /// Its element type.
    pub element: ElementKind,
    /// Its axes.
    pub axes: &'static [Axis],
}

/// How to find a symbol: it is the extent of an axis of a parameter, less `rest`, divided by `factor`.
///
/// The division must leave no remainder, and the symbol must not be negative.
#[derive(Clone, Copy, Debug)]
pub struct Solve {
    /// The symbol that is found.
    pub symbol: usize,
    /// The leaf among the parameters.
    pub leaf: usize,
    /// The axis of the leaf; [`usize::MAX`] says that the leaf is a `usize` parameter and is the number itself.
    pub axis: usize,
    /// What the symbol is multiplied with; not zero.
    pub factor: i64,
    /// What is added to the product, over symbols found before.
    pub rest: Extent,
}

/// How the two sides of a [`Check`] must compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckKind {
    /// `left == right`
    Equal,
    /// `left <= right`
    AtMost,
    /// `left` divides `right`; zero divides only zero.
    Divides,
}

/// What must hold between extents besides the shapes of the parameters.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// How the sides must compare.
    pub kind: CheckKind,
    /// The left side.
    pub left: Extent,
    /// The right side.
    pub right: Extent,
    /// The condition in the user's words, such as "`k` must not exceed `n`".
    pub text: &'static str,
}

/// Where something stands in the user's source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The function that it stands in, which may be another than the one that is called.
    pub function: &'static str,
    /// The file.
    pub file: &'static str,
    /// The line.
    pub line: u32,
}

/// What must hold while the function runs.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// The user's message.
    pub text: &'static str,
    /// Where the user wrote it.
    pub spot: Spot,
}

/// A value that the code shows.
#[derive(Clone, Copy, Debug)]
pub struct Inspect {
    /// The user's label, with the path inside of a container.
    pub label: &'static str,
    /// Where the user wrote it.
    pub spot: Spot,
    /// What is shown.
    pub leaf: Leaf,
}

/// What the host sees and hears of while the code runs.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// By the number in the status.
    pub conditions: &'static [Condition],
    /// By the number that the code gives.
    pub inspects: &'static [Inspect],
}

/// The status of a call in which no condition failed.
pub(crate) const NONE_FAILED: i64 = i64::MAX;

/// What a function takes, returns and requires.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The name of the function.
    pub name: &'static str,
    /// The names of the symbols.
    pub symbols: &'static [&'static str],
    /// The leaves of the parameters in order.
    pub parameters: &'static [Leaf],
    /// The leaves of the results in order.
    pub results: &'static [Leaf],
    /// How each symbol is found, in the order in which they can be.
    pub solves: &'static [Solve],
    /// What must hold besides.
    pub checks: &'static [Check],
    /// How many bytes of scratch memory the code needs.
    pub workspace: Extent,
    /// How many bytes more for each thread; a multiple of 64.
    pub private: Extent,
}

/// A compiled function: its signature, and its code for each level of the processor.
#[derive(Debug)]
pub struct Function {
    pub(crate) signature: Signature,
    pub(crate) entries: &'static [(Level, Entry)],
    pub(crate) plan: Plan,
    pub(crate) hooks: Option<Hooks>,
    pub(crate) devices: &'static [DeviceCode],
}

/// The code of a function for one kind of GPUs: kernels, and the order in which they are launched.
#[derive(Debug)]
pub struct DeviceCode {
    /// The least compute capability: 80 is 8.0.
    pub capability: u32,
    /// Whether devices of later capabilities refuse it, as `sm_90a`.
    pub is_exact: bool,
    /// The kernels as PTX.
    pub ptx: &'static str,
    /// What is done, in order.
    pub steps: &'static [Step],
    /// How many bytes of scratch memory the steps share.
    pub workspace: Extent,
    /// How many bytes of scratch each team has in a launch that needs some; a multiple of 64.
    pub private: Extent,
}

/// One step of a launch plan.
///
/// A kernel has a parameter for each of `arguments`, then an `i64` for each of `numbers`, and then, if it has private scratch,
/// the address of that and how many bytes apart those of two teams are.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A kernel is launched.
    Launch {
        /// Its name in the module.
        kernel: &'static str,
        /// How many teams have work; any number of teams may be launched.
        tasks: Extent,
        /// The threads of a team.
        threads: u32,
        /// The teams of a block.
        teams: u32,
        /// How many bytes of shared memory a block has besides what the kernel declares.
        shared: u32,
        /// The buffers.
        arguments: &'static [DevicePlace],
        /// The numbers behind them.
        numbers: &'static [DeviceNumber],
        /// Whether each team has private scratch.
        private: bool,
    },
    /// What follows is done so often, up to its `End`.
    Repeat {
        /// How often.
        extent: Extent,
    },
    /// What follows is done until it is left.
    Loop,
    /// Leaves the innermost `Loop` unless this `bool` holds.
    Leave {
        /// One byte.
        unless: DevicePlace,
    },
    /// What follows is done if this `bool` holds.
    If {
        /// One byte.
        condition: DevicePlace,
    },
    /// What follows is done if the condition of the `If` does not hold.
    Else,
    /// The end of a `Repeat`, `Loop` or `If`.
    End,
    /// The host looks at a value.
    Inspect {
        /// Which of the function's hooks.
        number: usize,
        /// Its elements.
        buffer: DevicePlace,
    },
}

/// Where a buffer begins.
#[derive(Clone, Copy, Debug)]
pub enum DevicePlace {
    /// The buffer of a parameter or a result, in the order of the host's buffers; behind them that of the status.
    Argument(usize),
    /// So many bytes behind the beginning of the workspace; a multiple of 64.
    Workspace(Extent),
    /// So many bytes behind the beginning of each team's scratch: a kernel is told this number.
    Private(Extent),
}

/// A number that a kernel is told.
#[derive(Clone, Copy, Debug)]
pub enum DeviceNumber {
    /// An expression over the symbols.
    Extent(Extent),
    /// The round of an enclosing `Repeat` or `Loop`, counted from 0; the outermost is 0.
    Round(usize),
}

impl Function {
    /// A function for a `static`.
    ///
    /// # Safety
    /// - Each entry may be called on a processor of its level, with buffers, symbols and workspace as this module describes them,
    ///   whenever the solves, shapes and checks of `signature` have been found to hold.
    /// - It then reads and writes only inside these buffers, and writes only to results, to `&mut` parameters and to the workspace.
    /// - It writes every element of every result, and to a `bool` only 0 or 1.
    /// - It does not unwind, and neither do its tasks, which any thread may execute.
    /// - If it has hooks, `with_hooks` says so. It then writes to the status the number of a condition or `i64::MAX`,
    ///   and shows values of the element types and shapes that the hooks say, under numbers that they have.
    /// - A parameter that the entry writes to is always passed by `Arguments::update`.
    #[must_use]
    pub const unsafe fn new(signature: Signature, entries: &'static [(Level, Entry)]) -> Self {
        let plan = Plan::of(&signature);
        Self { signature, entries, plan, hooks: None, devices: &[] }
    }

    /// The function with two more addresses behind those of its results: of the status, an `i64`, and of what values are shown to.
    #[must_use]
    pub const fn with_hooks(self, hooks: Hooks) -> Self {
        let Self { signature, entries, plan, hooks: _, devices } = self;
        Self { signature, entries, plan, hooks: Some(hooks), devices }
    }

    /// The function with code for GPUs.
    ///
    /// # Safety
    /// - The steps launch kernels of the module beside them, with their parameters, and the parts of repetitions and branches are closed.
    /// - Executed in order with buffers as the entry has them, in the memory of a device and aligned to 64 bytes, and with as much scratch
    ///   as the code says, the kernels keep all that [`new`](Self::new) promises of an entry, whatever the number of teams.
    #[must_use]
    pub const unsafe fn with_devices(self, devices: &'static [DeviceCode]) -> Self {
        let Self { signature, entries, plan, hooks, devices: _ } = self;
        Self { signature, entries, plan, hooks, devices }
    }

    /// What the function takes, returns and requires.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_what_generated_code_expects() {
        assert_eq!(size_of::<Entry>(), size_of::<*const u8>());
        assert_eq!(size_of::<Option<Entry>>(), size_of::<Entry>());
        let sizes = [
            ElementKind::F32,
            ElementKind::F64,
            ElementKind::I32,
            ElementKind::I64,
            ElementKind::U8,
            ElementKind::U32,
            ElementKind::U64,
            ElementKind::Bool,
            ElementKind::F16,
            ElementKind::Bf16,
        ];
        assert_eq!(sizes.map(ElementKind::size), [4, 8, 4, 8, 1, 4, 8, 1, 2, 2]);
        assert_eq!((u8::from(true), u8::from(false)), (1, 0));
        assert_eq!(crate::storage::ALIGNMENT, 64);
    }
}
