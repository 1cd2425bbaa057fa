//! Loops for one level of processor.
//!
//! In: scalar nests, as `lower` makes them.   Out: the same computation with lanes, tiles and planned memory.
//!
//! ```text
//! before                                     after
//! for i in 0..n parallel {                   for i in 0..n parallel {
//!   var $0: f32 = 0.0                          var $0: f32 lanes 64 = 0.0
//!   for j in 0..m parallel {                   for j in 0..m lanes 64 {
//!     $0 = add($0, load x[m*i + j])              $0 = add($0, load x[m*i + j])
//!   }                                          }
//!   store r0[i] = $0                           store r0[i] = combine.add $0
//! }                                          }
//! ```
//!
//! What fixes the bits of a result (which loop gets lanes and how many, the blocks and the order of every reduction) does not look at the level;
//! the level only chooses how many rows of a product are computed at a time.
//! Afterwards: every temporary has an offset; the workspace is a closed formula in the extents.
//! For [`device`]s, where teams of threads execute tasks, everything that fixes bits is the same, but for stripes.
//! Never here: what is computed where (that is `fuse`).

mod names;
mod stripes;
mod problems;
mod collapse;
mod registers;
mod together;
mod short;
mod unit;
mod blocks;
mod forms;
mod lanes;
mod product;
mod chains;
mod tasks;
mod grid;
mod memory;

use tasks::Workers;

use crate::loops::Loops;
use crate::options::{Level, Sizes};

/// Schedules scalar nests for a level.
pub fn schedule(loops: &Loops, level: Level, sizes: Sizes) -> Loops {
    let mut loops = loops.clone();
    problems::problems(&mut loops);
    stripes::stripes(&mut loops, sizes);
    collapse::collapse(&mut loops);
    memory::update_in_place(&mut loops);
    registers::registers(&mut loops);
    unit::unit(&mut loops);
    short::short(&mut loops);
    blocks::share(&mut loops);
    forms::forms(&mut loops);
    lanes::lanes(&mut loops);
    blocks::nest(&mut loops);
    product::products(&mut loops, level, sizes);
    chains::chains(&mut loops, level);
    together::together(&mut loops);
    tasks::tasks(&mut loops, Workers::HOST);
    memory::plan(&mut loops);
    loops
}

/// Schedules scalar nests for teams of threads of a device.
pub fn device(loops: &Loops) -> Loops {
    let mut loops = loops.clone();
    problems::problems(&mut loops);
    collapse::collapse(&mut loops);
    memory::update_in_place(&mut loops);
    registers::registers(&mut loops);
    unit::unit(&mut loops);
    short::short(&mut loops);
    blocks::share(&mut loops);
    forms::forms(&mut loops);
    lanes::lanes(&mut loops);
    blocks::nest(&mut loops);
    // A thread has as many registers as the largest of processors.
    chains::chains(&mut loops, Level::V4);
    together::together(&mut loops);
    grid::partials(&mut loops);
    grid::widths(&mut loops);
    tasks::tasks(&mut loops, Workers::DEVICE);
    grid::teams(&mut loops);
    grid::syncs(&mut loops);
    memory::plan(&mut loops);
    loops
}
