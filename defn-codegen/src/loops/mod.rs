//! Loop nests over buffers: how a function is computed.
//!
//! A [`Loops`] is a list of nests that run one after the other, over buffers that are contiguous in row-major order.
//! A body is a list of statements over scalar values; indices are affine in the loop variables, with extents as coefficients,
//! plus computed parts for gathers ([`Address`]).
//! The numbers that a program computes are fixed here to the last bit: every addition, every fused multiply-add and every order
//! of a reduction is written down, so that any target that executes the program gives the same result.
//!
//! # Loops
//!
//! `for i in 0..n` counts up. `parallel` promises that the iterations are independent of each other but for folds of registers (`$0 = add($0, …)`).
//! `lanes 16` executes 16 consecutive iterations in lockstep, statement by statement; in the last group the lanes at and beyond the
//! extent do nothing: they neither store nor change registers, and what they load is never used.
//! A lanes loop contains no other lanes loop.
//! `for i in 0..1 sorted { for j in 0..n { store r[j] = load k[j] } … }` puts integers in order while it moves them ([`sort`]).
//! `for j in 0..min(8192, (-8192)*i + n)` counts to the smaller: the last block of many is short.
//! Outside of lanes that may be computed: `for j in 0..min(n, (1)*@(%0))`.
//!
//! # Tasks
//!
//! `nest 0 tasks 300*n*m { … }` has one outermost loop, and its iterations may be executed in any order and by several workers at a time,
//! where a group of lanes is not divided. Around the loop are only values and conditions, which every worker computes for itself.
//! The extent behind `tasks` says about how many picoseconds they all take, so that whoever hands out iterations
//! knows how many are worth it. It is a hint: no result depends on it.
//!
//! `nest 0 tasks 300*n*m over 2 front 40*m { … }` shares two loops: the outermost, and the one that ends its body.
//! A task is an iteration of the inner one, in an iteration of the outer one; a group of lanes counts as one iteration.
//! What stands in front of the inner loop is values and private scratch, which a worker computes whenever it begins there:
//! that takes as many picoseconds as the extent behind `front` says.
//!
//! # Teams of threads
//!
//! `nest 0 threads 32 tasks 300*n { … }` is for a device, where a task is executed by a team of so many threads: by a warp if there are 32,
//! by a block if there are more. The lanes of a loop belong to the threads; outside of lanes every thread computes the same, and the first stores.
//! Two loops of as many lanes give a thread the same lanes.
//! Threads do not go in lockstep: what one of them stored another sees behind `sync`, where they wait for each other. Between two tasks
//! a team waits too. A nest without tasks has one team.
//! [`eval`] finds what is read and written without a `sync` between.
//! `mma.m16n8k8.tf32 ($0, …) += (%0, …) * (%4, …)` (or `mma.m16n8k16.f16`, `mma.m16n8k16.bf16`) multiplies matrices whose elements lie in the registers of a warp ([`mma`]).
//!
//! A device does many rows part by part, one nest for each part. `nest 0 cut reaches(n, 1024) … { … }` says when a nest has some of the rows
//! only, because the order of a sum must not depend on how many rows are in its part.
//!
//! # Control
//!
//! Between nests stand [markers](control): what they enclose runs several times or perhaps never. Temporaries keep their content from one
//! iteration to the next.
//!
//! # Values and registers
//!
//! `let %0: f32 = …` names a value for the rest of its block. A register is a variable: `var $0: f32 = …` declares it, `$0 = …` changes it.
//! Declared inside a lanes loop, values and registers exist once for each lane, and `shift.4(%0, f32(0.0))` is the `%0` of the lane
//! four places below, or 0 in the four lowest lanes. `bits(%0)` are the bits of a float, as an integer that can be compared and shifted,
//! or the float that has the bits of an integer.
//! Declared outside as `var $0: f32 lanes 16 = …`, a register has 16 parts, all of the same initial value; inside a loop of 16 lanes
//! its name means the part of the lane. Outside, `combine.add $0` folds the parts in one fixed tree:
//! part `k` takes part `k + 8` for `k < 8`, then `k + 4` for `k < 4`, and so on until part 0 is left.
//!
//! # Memory
//!
//! A buffer is a parameter, a result, scratch in the `workspace` that lives from nest to nest, `private` or `shared`.
//! Private scratch belongs to whoever executes an iteration of an outermost loop of a nest: when the iteration begins, it holds nothing.
//! So iterations of a parallel outermost loop may run at the same time, each on private scratch of its own.
//! Where several loops are shared, what an iteration of an inner one finds there is what stands in front of that loop.
//! Where teams of threads execute tasks, `shared` scratch is like private scratch, but of known size, and in the fast memory of the team.
//! Declared as `buffer k: f32[m] lanes 16 = private`, scratch has 16 parts of every element, and inside a loop of 16 lanes,
//! the only place where it may be used, its name means the part of the lane.
//!
//! ```text
//! loops sum<n, m>(x: f32[n, m]) -> (r0: f32[n]) workspace 0 {
//!   nest 0 {
//!     for i in 0..n parallel {
//!       var $0: f32 lanes 64 = 0.0
//!       for j in 0..m lanes 64 {
//!         $0 = add($0, load x[m*i + j])
//!       }
//!       store r0[i] = combine.add $0
//!     }
//!   }
//! }
//! ```
//!
//! The five faces: the structs here, [`mod@print`], [`parse`], [`verify`], [`eval`].

pub mod buffer;
pub mod control;
pub mod index;
pub mod mma;
pub mod sort;
pub mod expr;
pub mod visit;
pub mod ask;
pub mod live;
pub mod print;
pub mod parse;
pub mod verify;
pub mod eval;
mod memory;
mod races;

pub use buffer::{Buffer, BufferId, Space};
pub use control::Control;
pub use expr::{Expr, RegisterId, ValueId};
pub use index::{Address, VariableId};
pub use mma::Mma;

use crate::arena::Arena;
use crate::graph::{Dim, Element};
use crate::origin::Site;

/// A function as loops: see the page above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loops {
    /// The name of the user's function.
    pub name: String,
    /// The names of the extent symbols.
    pub symbols: Vec<String>,
    /// What is read and written: parameters in order, then results in order, then temporaries.
    pub buffers: Arena<Buffer>,
    /// Run one after the other.
    pub nests: Vec<Nest>,
    /// Bytes of scratch that the caller provides, aligned to 64.
    pub workspace: Dim,
    /// Bytes of scratch that the caller provides for each worker, a multiple of 64 and aligned so.
    pub private: Dim,
}

impl Loops {
    /// The places where the host looks at a buffer, in the order of the text: position among the nests, buffer and site.
    pub fn inspects(&self) -> impl Iterator<Item = (usize, BufferId, Site)> + '_ {
        self.nests.iter().enumerate().filter_map(|(position, nest)| {
            let Some(Control::Inspect { buffer, site }) = &nest.control else { return None };
            Some((position, *buffer, *site))
        })
    }
}

/// One kernel, or a marker between kernels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nest {
    /// If it is a marker: which. A marker has no body.
    pub control: Option<Control>,
    /// How many threads execute a task together; 1 on a host, where lanes are parts of vectors.
    pub threads: u32,
    /// Whether it does some of many rows alone: 1 if so, or else 0. Then nothing may be chosen by how many rows it has.
    pub cut: Dim,
    /// If its iterations are tasks: of which loops, and how long they take.
    pub tasks: Option<Tasks>,
    /// What it does.
    pub body: Vec<Statement>,
}

/// What is known about the tasks of a nest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// How many loops are shared: the outermost, the one that ends its body, and so on.
    pub loops: usize,
    /// About how many picoseconds the nest takes.
    pub whole: Dim,
    /// About how many picoseconds what stands in front of the inner ones takes, once.
    pub front: Dim,
}

impl Nest {
    /// A kernel without tasks.
    pub fn new(body: Vec<Statement>) -> Self {
        Self { control: None, threads: 1, cut: Dim::default(), tasks: None, body }
    }

    /// A marker.
    pub fn marker(control: Control) -> Self {
        let (cut, body) = (Dim::default(), Vec::new());
        Self { control: Some(control), threads: 1, cut, tasks: None, body }
    }

    /// Calls `visit` for every buffer that it touches.
    pub fn buffers(&self, visit: &mut dyn FnMut(BufferId)) {
        self.control.iter().filter_map(Control::reads).for_each(&mut *visit);
        visit::addresses(&self.body, &mut |buffer, _, _| visit(buffer));
    }

    /// The loop whose iterations could be tasks: the only one at the top, where else only values and conditions stand.
    pub fn outermost(&self) -> Option<&For> {
        outermost(&self.body)
    }

    /// The loops that are shared, outermost first; none without tasks.
    pub fn shared(&self) -> Vec<&For> {
        let count = self.tasks.as_ref().map_or(0, |tasks| tasks.loops);
        std::iter::successors(self.outermost(), |around| inside(around)).take(count).collect()
    }
}

/// The loop that ends the body of a loop.
fn inside(around: &For) -> Option<&For> {
    ask::as_loop(around.body.last()?)
}

fn outermost(statements: &[Statement]) -> Option<&For> {
    let mut rest = statements.iter().filter(|it| !matches!(it, Statement::Let { .. }));
    let found = match rest.next()? {
        Statement::For(found) => Some(found),
        Statement::If { condition: _, body } => outermost(body),
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => None,
    };
    found.filter(|_| rest.next().is_none())
}

/// One step of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Repeats a body.
    For(For),
    /// Names a value.
    Let {
        /// Its name, unique in the function.
        value: ValueId,
        /// Its element type.
        element: Element,
        /// What it is.
        expr: Expr,
    },
    /// Declares a register.
    Declare {
        /// Its name, unique in the function.
        register: RegisterId,
        /// Its element type.
        element: Element,
        /// How many parts it has; 1 for one a lane (inside a lanes loop) or one in all (outside).
        lanes: u32,
        /// The first value, of every part.
        initial: Expr,
    },
    /// Changes a register.
    Set {
        /// Which.
        register: RegisterId,
        /// To what.
        expr: Expr,
    },
    /// Writes one element.
    Store {
        /// Where to.
        buffer: BufferId,
        /// Which element.
        address: Address,
        /// What.
        expr: Expr,
    },
    /// Executes a body if a `bool` holds; inside a lanes loop only if it is made of positions that all lanes share.
    If {
        /// The condition.
        condition: Expr,
        /// What is done then.
        body: Vec<Statement>,
    },
    /// Every warp adds a product of matrices that its lanes hold to sums that they hold. Inside a lanes loop of as many lanes as threads.
    Mma(Mma),
    /// All threads of the team come here, and see what any of them stored before.
    Sync,
}

/// A loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For {
    /// The variable, unique in the function; it counts `0..extent`.
    pub variable: VariableId,
    /// How often.
    pub extent: Dim,
    /// What the loop does not go beyond, if that changes with the loops around, or is computed.
    pub clip: Option<Address>,
    /// In what manner.
    pub manner: Manner,
    /// What is repeated.
    pub body: Vec<Statement>,
}

impl For {
    /// How many lanes run in lockstep; 1 without lanes.
    pub fn width(&self) -> u32 {
        if let Manner::Lanes(width) = self.manner { width } else { 1 }
    }
}

/// How the iterations of a loop relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One after the other.
    Serial,
    /// In any order: no iteration reads what another writes.
    Parallel,
    /// In lockstep, this many at a time; a power of two.
    Lanes(u32),
    /// Once, as [`sort::Sort`] says.
    Sorted,
}
