//! PTX, executed thread by thread: what a device would do, where there is none.
//!
//! In: the code of a function for a device, symbols and arguments.   Out: its results, or what no device would do in silence.
//!
//! ```text
//! text of a module -- module, action --> kernels of instructions -- machine --> memory, after each launch
//! ```
//!
//! Threads of a warp run one after the other until they wait: for values of each other, or at a barrier. Where they wait for each other at
//! different places, where memory is accessed outside of what was allocated or off its alignment, where what was said to be only
//! read is written, and where an instruction is not known, that is a fault. The last thread runs first, so that what should
//! not be relied on shows. What each instruction does is the book's: the PTX ISA, 7.0.

mod action;
mod arithmetic;
mod machine;
mod memory;
mod module;
mod simulator;
mod plan;

pub use plan::run;
pub use simulator::Simulator;
