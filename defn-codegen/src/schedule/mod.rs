//! Loops for one level of processor, or for a device.
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
//! the level only chooses how many rows of a product are computed at a time, and in which of two ways integers are sorted.
//! Afterwards: every temporary has an offset; the workspace is a closed formula in the extents.
//! For devices, where teams of threads execute tasks, everything that fixes bits is the same, but for stripes:
//! what a host does stripe by stripe a device does in larger parts, nest by nest.
//! Never here: what is computed where (that is `fuse`).

mod names;
mod sorts;
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
use crate::options::{Level, Options, Sizes, Target};

/// Schedules scalar nests for whoever executes them.
pub fn schedule(loops: &Loops, target: Target, options: &Options) -> Loops {
    let mut loops = loops.clone();
    sorts::sorts(&mut loops, target);
    match target {
        Target::Host(level) => host(&mut loops, level, options.sizes),
        Target::Device(_) => device(&mut loops, options),
    }
    loops
}

fn host(loops: &mut Loops, level: Level, sizes: Sizes) {
    problems::problems(loops);
    stripes::stripes(loops, sizes);
    collapse::collapse(loops);
    memory::update_in_place(loops);
    registers::registers(loops);
    unit::unit(loops);
    short::short(loops);
    blocks::share(loops);
    forms::forms(loops);
    lanes::lanes(loops);
    blocks::nest(loops);
    product::products(loops, level, sizes);
    chains::chains(loops, level);
    together::together(loops);
    tasks::tasks(loops, Workers::HOST);
    memory::plan(loops);
}

fn device(loops: &mut Loops, options: &Options) {
    problems::problems(loops);
    stripes::parts(loops, options.sizes);
    collapse::collapse(loops);
    memory::update_in_place(loops);
    registers::registers(loops);
    unit::unit(loops);
    short::short(loops);
    blocks::share(loops);
    forms::forms(loops);
    lanes::lanes(loops);
    blocks::nest(loops);
    grid::narrow(loops);
    grid::products(loops, options);
    // A thread has as many registers as the largest of processors.
    chains::chains(loops, Level::V4);
    together::together(loops);
    grid::partials(loops);
    grid::carries(loops);
    grid::rows(loops);
    grid::widths(loops);
    tasks::tasks(loops, Workers::DEVICE);
    grid::teams(loops);
    grid::syncs(loops);
    memory::plan(loops);
}
