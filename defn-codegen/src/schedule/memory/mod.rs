//! Where temporaries live.
//!
//! [`update_in_place`]: an updated parameter, or the state of a loop, that is read for the last time where its new value is computed,
//! at the same element, is overwritten there, without a temporary; of one of which only a [`row`](mod@row) changes, only that is computed.
//!
//! [`plan`]: every temporary gets a slot from its first to its last use; slots whose content is dead are used again,
//! best by what provably fits, and are as large as the largest that they ever hold.
//!
//! ```text
//! before                                              after
//! nest 0 { for i { store t0[i] = add(load p[i], …) } }   nest 0 { for i { store p[i] = add(load p[i], …) } }
//! nest 1 { for i { store p[i] = load t0[i] } }
//! ```
//!
//! Afterwards: no temporary is unused; offsets are multiples of 64; the workspace and the private scratch are their ends.

mod slots;
mod row;
mod coalesce;
mod window;
mod idle;

use std::collections::BTreeMap;

use coalesce::is_filled;

use crate::arena::Arena;
use crate::graph::Dim;
use crate::loops::live;
use crate::loops::visit::{self, Buffers, Rename};
use crate::loops::{BufferId, Control, Expr, Loops, Nest, Space, Statement};

/// Plans the memory of a program.
pub(in crate::schedule) fn plan(loops: &mut Loops) {
    drop_unused(loops);
    loops.workspace = place(loops, Space::is_workspace);
    loops.private = place(loops, Space::is_private);
    place(loops, Space::is_shared);
}

/// Gives an offset to every temporary of a region, and says how large the region is.
fn place(loops: &mut Loops, region: fn(&Space) -> bool) -> Dim {
    let lifetimes = live::lifetimes(loops, region);
    let bytes: Vec<Dim> = lifetimes.iter().map(|it| rounded(&it.bytes)).collect();
    let homes = slots::plan(&lifetimes, &bytes, loops.symbols.len());
    let row = slots::Row::of(&homes, &bytes);
    for (at, lifetime) in lifetimes.iter().enumerate() {
        let space = &mut loops.buffers[lifetime.buffer].space;
        if let Space::Workspace(offset) | Space::Private(offset) | Space::Shared(offset) = space {
            *offset = Some(row.offset(at));
        }
    }
    row.bytes()
}

/// Drops temporaries that no nest touches.
fn drop_unused(loops: &mut Loops) {
    let mut used: Vec<bool> =
        loops.buffers.iter().map(|(_, buffer)| !is_scratch(&buffer.space)).collect();
    for nest in &loops.nests {
        nest.buffers(&mut |buffer| used[buffer.index()] = true);
    }
    let mut moved = Buffers(BTreeMap::new());
    let mut buffers = Arena::default();
    for (id, buffer) in loops.buffers.iter() {
        if used[id.index()] {
            moved.0.insert(id, buffers.push(buffer.clone()));
        }
    }
    loops.buffers = buffers;
    for nest in &mut loops.nests {
        rename(nest, &moved);
    }
}

/// Renames the buffers of a nest or a marker.
fn rename(nest: &mut Nest, other: &dyn Rename) {
    match &mut nest.control {
        Some(
            Control::Leave { unless: buffer }
            | Control::If { condition: buffer }
            | Control::Inspect { buffer, site: _ },
        ) => {
            *buffer = other.buffer(*buffer);
        }
        Some(Control::Repeat { .. } | Control::Loop { .. } | Control::Else | Control::End)
        | None => {}
    }
    nest.body = nest.body.iter().map(|it| visit::rename_statement(it, other)).collect();
}

fn is_scratch(space: &Space) -> bool {
    space.is_workspace() || space.is_private() || space.is_shared()
}

fn rounded(size: &Dim) -> Dim {
    if size.terms().iter().all(|(_, coefficient)| coefficient % 64 == 0) {
        return size.clone();
    }
    (size.clone() + Dim::from(63)).floor_div(&Dim::from(64)) * Dim::from(64)
}

/// Overwrites updated parameters and the states of loops where their new value is computed.
pub(in crate::schedule) fn update_in_place(loops: &mut Loops) {
    for position in (0..loops.nests.len()).rev() {
        let Some((from, to)) = copied(loops, &loops.nests[position]) else { continue };
        let Some(writer) = only_writer(loops, from, position) else { continue };
        if !is_read_no_more(loops, (from, to), (writer, position)) {
            continue;
        }
        let body = &loops.nests[writer].body;
        if let Some(changed) = row::row(loops, body, from, to) {
            loops.nests[writer].body = changed;
        } else if !reads_where_it_writes(body, from, to) {
            continue;
        }
        let redirect = Buffers(BTreeMap::from([(from, to)]));
        loops.nests.remove(position);
        loops.nests.iter_mut().for_each(|nest| rename(nest, &redirect));
    }
    coalesce::coalesce(loops);
    window::store_in_windows(loops);
    idle::drop_idle(loops);
    for position in 0..loops.nests.len() {
        let body = &loops.nests[position].body;
        let found = stored(body).and_then(|buffer| row::row(loops, body, buffer, buffer));
        if let Some(changed) = found {
            loops.nests[position].body = changed;
        }
    }
}

/// The buffer of the store that ends a body.
fn stored(body: &[Statement]) -> Option<BufferId> {
    match body.last()? {
        Statement::For(inner) => stored(&inner.body),
        Statement::Store { buffer, address: _, expr: _ } => Some(*buffer),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::If { .. }
        | Statement::Sync
        | Statement::Mma(_) => None,
    }
}

/// Whether a nest may write to the place of the old value what another copies there.
///
/// Either nothing behind the nest reads the old value, which is an updated parameter. Or the two stand in a line, between them nobody
/// reads the old value, and nobody but them knows the temporary.
fn is_read_no_more(
    loops: &Loops,
    (new, old): (BufferId, BufferId),
    (writer, copy): (usize, usize),
) -> bool {
    let nests = &loops.nests;
    let free = |range: std::ops::Range<usize>, buffer: BufferId| {
        range.into_iter().all(|nest| nest == copy || !touches(&nests[nest], buffer))
    };
    if matches!(loops.buffers[old].space, Space::Updated(_)) && free(writer + 1..nests.len(), old) {
        return true;
    }
    writer < copy
        && nests[writer + 1..copy].iter().all(|nest| nest.control.is_none())
        && free(writer + 1..copy, old)
        && free(0..writer, new)
        && free(copy + 1..nests.len(), new)
}

/// The temporary, and the updated parameter or the state, of a nest that only copies.
fn copied(loops: &Loops, nest: &Nest) -> Option<(BufferId, BufferId)> {
    let copies = match nest.body.as_slice() {
        [Statement::For(outer)] => outer.body.as_slice(),
        other => other,
    };
    let [Statement::Store { buffer, address, expr: Expr::Load(from, source) }] = copies else {
        return None;
    };
    let spaces = [buffer, from].map(|it| &loops.buffers[*it].space);
    let [Space::Updated(_) | Space::Result(_) | Space::Workspace(_), Space::Workspace(_)] = spaces
    else {
        return None;
    };
    (*address == **source && buffer != from).then_some((*from, *buffer))
}

fn touches(nest: &Nest, buffer: BufferId) -> bool {
    let mut touches = false;
    nest.buffers(&mut |candidate| touches |= candidate == buffer);
    touches
}

fn only_writer(loops: &Loops, buffer: BufferId, except: usize) -> Option<usize> {
    let writes = |nest: &Nest| {
        let mut writes = false;
        visit::addresses(&nest.body, &mut |candidate, _, written| {
            writes |= written && candidate == buffer;
        });
        writes
    };
    let mut writers =
        (0..loops.nests.len()).filter(|nest| *nest != except && writes(&loops.nests[*nest]));
    let writer = writers.next()?;
    writers.next().is_none().then_some(writer)
}

/// Whether the only loads of `to` in a nest stand in the block of the only store of `from`, before the store, at its address.
fn reads_where_it_writes(statements: &[Statement], from: BufferId, to: BufferId) -> bool {
    let mut block = None;
    find_store(statements, from, &mut block);
    let Some((block, position)) = block else { return false };
    let Statement::Store { buffer: _, address: target, expr: _ } = &block[position] else {
        return false;
    };
    let (mut all, mut here, mut stores) = (0, 0, 0);
    visit::addresses(statements, &mut |buffer, _, written| {
        all += usize::from(buffer == to);
        stores += usize::from(buffer == from && written);
    });
    // What is cleared first would be read no more.
    if stores > 1 {
        return false;
    }
    visit::addresses(&block[..=position], &mut |buffer, address, _| {
        here += usize::from(buffer == to && address == target && address.computed.is_empty());
    });
    all == here && (all == 0 || !target.terms.is_empty() || statements.len() == block.len())
}

fn find_store<'s>(
    statements: &'s [Statement],
    buffer: BufferId,
    found: &mut Option<(&'s [Statement], usize)>,
) {
    for (position, statement) in statements.iter().enumerate() {
        if matches!(statement, Statement::Store { buffer: target, .. } if *target == buffer) {
            *found = Some((statements, position));
        }
        find_store(visit::body(statement), buffer, found);
    }
}
