//! Loops over small nests become one nest.
//!
//! ```text
//! before                                    after
//! repeat i0 in 0..n {                       nest 0 {
//!   nest 0 { for i1 in 0..32 { … } }          for i0 in 0..n {
//!   nest 1 { for i2 in 0..32 { … } }            for i1 in 0..32 { … }
//! }                                             for i2 in 0..32 { … }
//!                                             }
//!                                           }
//! ```
//!
//! A nest is a function of its own, and calling it takes as long as a small one does. What is carried stays in memory, which is in the
//! first cache. Loops over nests that are worth several threads stay as they are, and so do those that run until a condition holds.

use super::names::Names;
use super::registers::assembled;
use super::tasks::is_small;
use crate::loops::control::part;
use crate::loops::{Control, Loops, Nest};

/// Joins all such loops, outer ones first.
pub(super) fn together(loops: &mut Loops) {
    let mut names = Names::of(loops);
    let mut position = 0;
    while position < loops.nests.len() {
        if matches!(loops.nests[position].control, Some(Control::Repeat { .. }))
            && let Some((_, end)) = part(&loops.nests, position)
            && loops.nests[position..end]
                .iter()
                .all(|nest| nest.threads == 1 && is_small(loops, nest))
            && let Some(body) = assembled(&loops.nests[position..=end], &mut names)
        {
            loops.nests.splice(position..=end, [Nest::new(body)]);
        }
        position += 1;
    }
}
