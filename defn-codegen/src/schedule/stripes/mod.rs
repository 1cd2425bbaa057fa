//! Nests that go through the same rows one after the other, stripe by stripe.
//!
//! Between two products of batches there may be much more than goes in and comes out: attention has a number for each pair of a query and a key.
//! What is computed from some rows is then taken through all nests while it is in the cache, and never stored as a whole.
//!
//! ```text
//! before                                            after
//! for h { for i in 0..n { for j in 0..m {           for h {
//!   store s[h, i, j] = Σ q[h, i, d] k[h, j, d]        for t in 0..floor((n + 47) / 48) {
//! } } }                                                 for i in 0..min(48, n - 48*t) { for j in 0..m { store s'[i, j] = … } }
//! for h { for i in 0..n { p[h, i, ..] = … } }           for i in 0..min(48, n - 48*t) { p'[i, ..] = … }
//! for h { for i in 0..n { for d {                       for i in 0..min(48, n - 48*t) { for d {
//!   store r[h, i, d] = Σ p[h, i, j] v[h, j, d]            store r[h, 48*t + i, d] = Σ p'[i, j] v[h, j, d]
//! } } }                                                 } }
//!                                                     }
//!                                                   }
//! ```
//!
//! A nest that adds up over the rows, as gradients with respect to keys do, adds what each stripe gives to scratch,
//! from which its results are computed behind the last stripe.
//!
//! What one group stores and a later one of the same rows needs is computed again by the later one, if neither then stores it:
//! gradients compute the shares of attention again.
//!
//! The scratch of a stripe grows with the length of a row, and no longer with its square. Every row is computed as before;
//! sums over rows have blocks of one stripe. With few rows the nests stay apart: one product of a row with a matrix needs no panels.

mod find;
mod again;
mod write;
mod parts;

pub(super) use parts::parts;

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Choice, Names, choice};
use crate::graph::Comparison;
use crate::loops::visit::{self, Buffers};
use crate::loops::{Buffer, BufferId, Loops, Nest};
use crate::options::Sizes;

/// Joins all such nests.
pub(super) fn stripes(loops: &mut Loops, sizes: Sizes) {
    let Some(sizes) = sizes.stripes else { return };
    let mut names = Names::of(loops);
    let begins = again::again(loops, &mut names, sizes);
    let mut position = 0;
    while position < loops.nests.len() {
        let Some(group) = find::group(loops, position, &begins) else {
            position += 1;
            continue;
        };
        let rows = (group.rows().clone(), Comparison::Ge, sizes.from);
        position += match choice(&[rows], &[]) {
            Choice::Never => 1,
            Choice::Always => {
                let mut joined = write::joined(&group, &mut loops.buffers, &mut names, sizes);
                own_scratch(&mut joined, loops);
                gather(loops, &group.positions);
                loops.nests.splice(position..position + group.members.len(), [joined]);
                1
            }
            Choice::If(many, few) => {
                let mut joined = write::joined(&group, &mut loops.buffers, &mut names, sizes);
                own_scratch(&mut joined, loops);
                write::guard(&mut joined, &many);
                write::shrink(&group.kept, &mut loops.buffers, sizes);
                gather(loops, &group.positions);
                let apart = &mut loops.nests[position..position + group.members.len()];
                apart.iter_mut().for_each(|nest| write::guard(nest, &few));
                loops.nests.insert(position, joined);
                group.members.len() + 1
            }
        };
    }
}

/// Gives a nest private scratch of its own: what other nests use too may have other lanes there.
fn own_scratch(nest: &mut Nest, loops: &mut Loops) {
    let mut used = BTreeSet::new();
    let is_private = |loops: &Loops, id: BufferId| loops.buffers[id].space.is_private();
    for other in &loops.nests {
        other.buffers(&mut |id| {
            used.insert(id);
        });
    }
    let mut shared = BTreeSet::new();
    nest.buffers(&mut |id| {
        if used.contains(&id) && is_private(loops, id) {
            shared.insert(id);
        }
    });
    let mut fresh = BTreeMap::new();
    for id in shared {
        let name = format!("s{}", loops.buffers.len());
        let buffer = Buffer { name, ..loops.buffers[id].clone() };
        fresh.insert(id, loops.buffers.push(buffer));
    }
    let fresh = Buffers(fresh);
    nest.body = nest.body.iter().map(|it| visit::rename_statement(it, &fresh)).collect();
}

/// Puts nests next to each other, behind the first of them; what stood between stands behind them.
fn gather(loops: &mut Loops, positions: &[usize]) {
    for (moved, from) in positions.iter().enumerate() {
        let nest = loops.nests.remove(*from);
        loops.nests.insert(positions[0] + moved, nest);
    }
}
