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
mod memory;

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
    tasks::tasks(&mut loops);
    memory::plan(&mut loops);
    loops
}
