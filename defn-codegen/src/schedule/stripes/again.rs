//! What is computed again, so that it is not stored from one group of nests to another.
//!
//! ```text
//! before                                   after
//! nest 0 { s = q k }                       nest 0 { s = q k }
//! nest 1 { p = shares of s }               nest 1 { p = shares of s }
//! nest 2 { r = p v }                       nest 2 { r = p v }
//! …                                        …
//!                                          nest 7 { s' = q k }
//!                                          nest 8 { p' = shares of s' }
//! nest 9 { store dv = Σ p dr }             nest 9 { store dv = Σ p' dr }
//! ```
//!
//! Afterwards both groups keep what they need in stripes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::names::{Choice, Names, choice};
use super::find::{self, Group};
use crate::graph::Comparison;
use crate::loops::visit::{self, Buffers};
use crate::loops::{Buffer, BufferId, Loops, Nest, Space};
use crate::options::Stripes;

/// Computes again what pays. Out: what is stored first by each group that now begins with a copy.
pub(super) fn again(loops: &mut Loops, names: &mut Names, sizes: Stripes) -> BTreeSet<BufferId> {
    let (mut begins, mut start) = (BTreeSet::new(), 0);
    while start < loops.nests.len() {
        let found = later(loops, names, (start, &begins), sizes);
        if let Some((changed, first)) = found {
            begins.extend(touched(&changed.nests[first], true));
            *loops = changed;
            start = first;
        } else {
            start += 1;
        }
    }
    begins
}

/// The nests with copies in front of a later group, and where that begins; none if nothing is gained.
fn later(
    loops: &Loops,
    names: &mut Names,
    (start, begins): (usize, &BTreeSet<BufferId>),
    sizes: Stripes,
) -> Option<(Loops, usize)> {
    let group = find::products(loops, start, begins)?;
    let many = (group.rows().clone(), Comparison::Ge, sizes.from);
    if group.shared.is_empty() || choice(&[many], &[]) == Choice::Never {
        return None;
    }
    let behind = group.positions.last().map_or(start, |last| last + 1)..loops.nests.len();
    // What is computed again must be what it was.
    if loops.nests.iter().any(|nest| nest.control.is_some()) {
        return None;
    }
    behind.into_iter().find_map(|first| {
        let later = find::products(loops, first, begins)?;
        let shared: Vec<BufferId> = group
            .shared
            .iter()
            .copied()
            .filter(|buffer| is_needed(loops, *buffer, (&group, &later)))
            .collect();
        if shared.is_empty() || later.extents != group.extents {
            return None;
        }
        recomputed(loops, names, (&group, &shared, first), begins).map(|changed| (changed, first))
    })
}

/// Whether a buffer is used by both groups and nobody else.
fn is_needed(loops: &Loops, buffer: BufferId, (earlier, later): (&Group, &Group)) -> bool {
    let mut users = (0..loops.nests.len()).filter(|position| {
        let nest = &loops.nests[*position];
        !earlier.positions.contains(position)
            && (touched(nest, true).contains(&buffer) || touched(nest, false).contains(&buffer))
    });
    users.all(|position| later.positions.contains(&position))
}

/// The nests with copies of those that compute what two groups share, in front of the second; none if nothing is gained.
fn recomputed(
    loops: &Loops,
    names: &mut Names,
    (group, shared, first): (&Group, &[BufferId], usize),
    begins: &BTreeSet<BufferId>,
) -> Option<Loops> {
    let copied = copied(loops, (group, shared));
    let mut changed = loops.clone();
    let mut fresh = Buffers(BTreeMap::new());
    for buffer in copied.iter().flat_map(|position| touched(&loops.nests[*position], true)) {
        let Buffer { element, shape, space, .. } = loops.buffers[buffer].clone();
        match space {
            Space::Workspace(_) => {}
            Space::Private(_) | Space::Shared(_) => continue,
            // It would be stored twice.
            Space::Parameter(_) | Space::Updated(_) | Space::Result(_) => return None,
        }
        let name = format!("t{}", changed.buffers.len());
        let space = Space::Workspace(None);
        let copy = changed.buffers.push(Buffer { name, element, shape, lanes: 1, space });
        fresh.0.insert(buffer, copy);
    }
    // Private scratch holds nothing when an iteration begins.
    let is_private = |buffer: &BufferId| matches!(loops.buffers[*buffer].space, Space::Private(_));
    let loaded: BTreeSet<BufferId> = copied
        .iter()
        .flat_map(|position| touched(&loops.nests[*position], false))
        .filter(|buffer| !is_private(buffer))
        .collect();
    let begin = *copied.first()?;
    let is_changed = loops.nests.iter().enumerate().skip(begin).any(|(position, nest)| {
        let stored = touched(nest, true);
        let changes = stored.iter().any(|it| loaded.contains(it) && !fresh.0.contains_key(it));
        let stores_again = position >= first && stored.iter().any(|it| fresh.0.contains_key(it));
        changes || stores_again
    });
    if is_changed {
        return None;
    }
    for nest in &mut changed.nests[first..] {
        let body = nest.body.iter();
        nest.body = body.map(|statement| visit::rename_statement(statement, &fresh)).collect();
    }
    let copies: Vec<Nest> = copied
        .iter()
        .map(|position| {
            let body = names.copy(&loops.nests[*position].body);
            let body = body.iter().map(|it| visit::rename_statement(it, &fresh)).collect();
            Nest::new(body)
        })
        .collect();
    changed.nests.splice(first..first, copies);
    let mut begins = begins.clone();
    begins.extend(touched(&changed.nests[first], true));
    let earlier = find::group(&changed, group.positions[0], &begins)?;
    let later = find::group(&changed, first, &begins)?;
    let keeps = |group: &Group, buffer: BufferId| group.kept.iter().any(|it| it.buffer == buffer);
    let gains =
        shared.iter().all(|buffer| keeps(&earlier, *buffer) && keeps(&later, fresh.0[buffer]));
    gains.then_some(changed)
}

/// The nests of a group that compute what it shares, in order.
fn copied(loops: &Loops, (group, shared): (&Group, &[BufferId])) -> Vec<usize> {
    let mut needed: BTreeSet<BufferId> = shared.iter().copied().collect();
    let mut copied = Vec::new();
    for position in group.positions.iter().rev() {
        let nest = &loops.nests[*position];
        if touched(nest, true).iter().any(|buffer| needed.contains(buffer)) {
            needed.extend(touched(nest, false));
            copied.push(*position);
        }
    }
    copied.reverse();
    copied
}

/// What a nest stores, or loads.
fn touched(nest: &Nest, stored: bool) -> BTreeSet<BufferId> {
    let mut found = BTreeSet::new();
    visit::addresses(&nest.body, &mut |buffer, _, written| {
        if written == stored {
            found.insert(buffer);
        }
    });
    found
}
