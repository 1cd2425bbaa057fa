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
//!
//! # Values and registers
//!
//! `let %0: f32 = …` names a value for the rest of its block. A register is a variable: `var $0: f32 = …` declares it, `$0 = …` changes it.
//! Declared inside a lanes loop, values and registers exist once for each lane, and `shift.4(%0, f32(0.0))` is the `%0` of the lane
//! four places below, or 0 in the four lowest lanes. `bits(%0)` are the bits of a float, as an integer that can be compared and shifted.
//! Declared outside as `var $0: f32 lanes 16 = …`, a register has 16 parts, all of the same initial value; inside a loop of 16 lanes
//! its name means the part of the lane. Outside, `combine.add $0` folds the parts in one fixed tree:
//! part `k` takes part `k + 8` for `k < 8`, then `k + 4` for `k < 4`, and so on until part 0 is left.
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
pub mod index;
pub mod expr;
pub mod visit;
pub mod print;
pub mod parse;
pub mod verify;
pub mod eval;

pub use buffer::{Buffer, BufferId, Space};
pub use expr::{Expr, RegisterId, ValueId};
pub use index::{Address, VariableId};

use crate::arena::Arena;
use crate::graph::{Dim, Element};

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
}

/// One kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nest {
    /// What it does.
    pub body: Vec<Statement>,
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
    /// Executes a body if a `bool` holds; not inside a lanes loop.
    If {
        /// The condition.
        condition: Expr,
        /// What is done then.
        body: Vec<Statement>,
    },
}

/// A loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For {
    /// The variable, unique in the function; it counts `0..extent`.
    pub variable: VariableId,
    /// How often.
    pub extent: Dim,
    /// In what manner.
    pub manner: Manner,
    /// What is repeated.
    pub body: Vec<Statement>,
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
}
