//! Nests for teams of threads.
//!
//! In: nests with lanes and tasks, as they are for a host.   Out: the same computation by teams of threads.
//!
//! ```text
//! before                                        after
//! buffer k: f32[m] = private                    buffer k: f32[m] = private
//! nest 0 tasks 900*n {                          nest 0 threads 32 tasks 900*n {
//!   for i in 0..n parallel {                      for i in 0..n parallel {
//!     for j in 0..m lanes 16 { store k[j] = … }     for j in 0..m lanes 64 { store k[j] = … }
//!                                                   sync
//!     for l in 0..m lanes 16 { … load k[l] … }      for l in 0..m lanes 64 { … load k[l] … }
//!   }                                             }
//! }                                             }
//! ```
//!
//! [`narrow`]: scratch that holds floats of 16 bits is as narrow.
//! [`products`]: matrix products go in tiles, by teams of 256 threads.
//! [`partials`]: blocks of long sums of columns are tasks.
//! [`carries`]: so are blocks of long scans.
//! [`rows`]: so are blocks of few long rows.
//! [`widths`]: loops of lanes that fold nothing have as many lanes as threads read well from memory.
//! [`teams`]: every nest has a team, a warp where nothing says otherwise, and small scratch of known size is shared.
//! [`syncs`]: the threads wait for each other between two statements of which one reads or writes what another thread wrote in the other.
//!
//! Afterwards: the evaluator finds no race.
//! Never here: what fixes bits. The order of every fold is that of a host.

mod narrow;
mod product;
mod partials;
mod carries;
mod rows;
mod widths;
mod syncs;

pub(super) use carries::carries;
pub(super) use narrow::narrow;
pub(super) use partials::partials;
pub(super) use product::products;
pub(super) use rows::rows;
pub(super) use syncs::syncs;
pub(super) use widths::widths;

use std::collections::BTreeMap;

use crate::loops::{BufferId, Loops, Space};

/// Threads of a warp.
const WARP: u32 = 32;
/// So many bytes of scratch a warp may have in the fast memory: then enough of them run beside each other.
const SHARED: i64 = 4096;

/// Gives every nest a team.
pub(super) fn teams(loops: &mut Loops) {
    for nest in loops.nests.iter_mut().filter(|nest| nest.control.is_none()) {
        if nest.threads == 1 {
            nest.threads = WARP;
        }
    }
    share(loops);
}

/// Puts private scratch of nests that have little of it, all of known size, into the fast memory.
fn share(loops: &mut Loops) {
    let mut fits: BTreeMap<BufferId, bool> = BTreeMap::new();
    for nest in &loops.nests {
        let mut private: Vec<BufferId> = Vec::new();
        nest.buffers(&mut |buffer| {
            if loops.buffers[buffer].space.is_private() && !private.contains(&buffer) {
                private.push(buffer);
            }
        });
        let bytes: Option<i64> =
            private.iter().map(|buffer| loops.buffers[*buffer].bytes().as_constant()).sum();
        let is_small = bytes.is_some_and(|bytes| bytes <= SHARED);
        for buffer in private {
            *fits.entry(buffer).or_insert(true) &= is_small;
        }
    }
    for (buffer, _) in fits.into_iter().filter(|(_, fits)| *fits) {
        loops.buffers[buffer].space = Space::Shared(None);
    }
}
