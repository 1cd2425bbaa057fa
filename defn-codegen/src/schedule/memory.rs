//! Where temporaries live.
//!
//! [`update_in_place`]: an updated parameter that is read for the last time where its new value is computed, at the same element, is overwritten there,
//! without a temporary.
//!
//! [`plan`]: every temporary gets a slot from its first to its last use; slots whose content is dead are used again
//! by what provably fits.
//!
//! ```text
//! before                                              after
//! nest 0 { for i { store t0[i] = add(load p[i], …) } }   nest 0 { for i { store p[i] = add(load p[i], …) } }
//! nest 1 { for i { store p[i] = load t0[i] } }
//! ```
//!
//! Afterwards: no temporary is unused; offsets are multiples of 64; the workspace and the private scratch are their ends.

use crate::arena::Arena;
use crate::graph::Dim;
use crate::loops::control::part;
use crate::loops::visit::{self, Rename};
use crate::loops::{BufferId, Control, Expr, Loops, Nest, Space, Statement, VariableId};

/// Plans the memory of a program.
pub(super) fn plan(loops: &mut Loops) {
    drop_unused(loops);
    loops.workspace = place(loops, |space| match space {
        Space::Workspace(offset) => Some(offset),
        Space::Private(_) | Space::Parameter(_) | Space::Updated(_) | Space::Result(_) => None,
    });
    loops.private = place(loops, |space| match space {
        Space::Private(offset) => Some(offset),
        Space::Workspace(_) | Space::Parameter(_) | Space::Updated(_) | Space::Result(_) => None,
    });
}

/// Gives an offset to every buffer of a region, and says how large the region is.
fn place(loops: &mut Loops, region: fn(&mut Space) -> Option<&mut Option<Dim>>) -> Dim {
    let mut slots: Vec<Slot> = Vec::new();
    for (buffer, first, last) in lifetimes(loops) {
        let size = loops.buffers[buffer].bytes();
        let Some(offset) = region(&mut loops.buffers[buffer].space) else { continue };
        let free = slots
            .iter_mut()
            .enumerate()
            .find(|(_, slot)| slot.busy_until < first && fits(&size, &slot.size));
        let position = match free {
            Some((position, slot)) => {
                slot.busy_until = last;
                position
            }
            None => {
                slots.push(Slot { size, busy_until: last });
                slots.len() - 1
            }
        };
        // The position of the slot stands in for the offset until all sizes are known.
        *offset = Some(Dim::from(position as i64));
    }
    let mut offsets = vec![Dim::default()];
    for slot in &slots {
        let end = offsets[offsets.len() - 1].clone() + rounded(&slot.size);
        offsets.push(end);
    }
    for id in loops.buffers.ids() {
        if let Some(offset) = region(&mut loops.buffers[id].space) {
            let position = offset.as_ref().and_then(Dim::as_constant).unwrap_or(0);
            *offset = Some(offsets[position as usize].clone());
        }
    }
    offsets[slots.len()].clone()
}

/// Drops temporaries that no nest touches.
fn drop_unused(loops: &mut Loops) {
    let mut used: Vec<bool> =
        loops.buffers.iter().map(|(_, buffer)| !is_scratch(&buffer.space)).collect();
    for nest in &loops.nests {
        nest.buffers(&mut |buffer| used[buffer.index()] = true);
    }
    let mut moved = Moved(Vec::new());
    let mut buffers = Arena::default();
    for (id, buffer) in loops.buffers.iter() {
        let kept = used[id.index()].then(|| buffers.push(buffer.clone()));
        moved.0.push(kept.unwrap_or(id));
    }
    loops.buffers = buffers;
    for nest in &mut loops.nests {
        rename(nest, &moved);
    }
}

/// Renames the buffers of a nest or a marker.
fn rename(nest: &mut Nest, other: &dyn Rename) {
    match &mut nest.control {
        Some(Control::Leave { unless: buffer } | Control::If { condition: buffer }) => {
            *buffer = other.buffer(*buffer);
        }
        Some(Control::Repeat { .. } | Control::Loop { .. } | Control::Else | Control::End)
        | None => {}
    }
    nest.body = nest.body.iter().map(|it| visit::rename_statement(it, other)).collect();
}

/// The new position of each buffer.
struct Moved(Vec<BufferId>);

impl Rename for Moved {
    fn variable(&self, _variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        None
    }
    fn buffer(&self, buffer: BufferId) -> BufferId {
        self.0[buffer.index()]
    }
}

/// A piece of the workspace.
struct Slot {
    size: Dim,
    busy_until: usize,
}

fn is_scratch(space: &Space) -> bool {
    matches!(space, Space::Workspace(_) | Space::Private(_))
}

/// Whether `size` is at most `slot` for all extents.
fn fits(size: &Dim, slot: &Dim) -> bool {
    (slot.clone() - size.clone()).is_surely_natural()
}

fn rounded(size: &Dim) -> Dim {
    if size.terms().iter().all(|(_, coefficient)| coefficient % 64 == 0) {
        return size.clone();
    }
    (size.clone() + Dim::from(63)).floor_div(&Dim::from(64)) * Dim::from(64)
}

/// Temporaries in order of first use, with the first and the last nest that touch them.
fn lifetimes(loops: &Loops) -> Vec<(BufferId, usize, usize)> {
    let mut lifetimes: Vec<(BufferId, usize, usize)> = Vec::new();
    for (position, nest) in loops.nests.iter().enumerate() {
        nest.buffers(&mut |buffer| {
            if !is_scratch(&loops.buffers[buffer].space) {
                return;
            }
            match lifetimes.iter_mut().find(|(known, _, _)| *known == buffer) {
                Some((_, _, last)) => *last = position,
                None => lifetimes.push((buffer, position, position)),
            }
        });
    }
    // What is used inside of a loop and outside of it lives as long as the loop; what it collects does, and what it is given.
    // Inner loops come before those around.
    for (begin, end) in repeated(&loops.nests).into_iter().rev() {
        for (_, first, last) in &mut lifetimes {
            let is_inside = *first < end && begin < *last;
            if is_inside && (*first < begin || end < *last) {
                (*first, *last) = (begin.min(*first), end.max(*last));
            }
        }
    }
    lifetimes.sort_by_key(|(_, first, _)| *first);
    lifetimes
}

/// The first and the last position of each part that runs again and again, in the order of the text.
fn repeated(nests: &[Nest]) -> Vec<(usize, usize)> {
    let begins = nests
        .iter()
        .enumerate()
        .filter(|(_, nest)| nest.control.as_ref().is_some_and(Control::repeats));
    begins.filter_map(|(begin, _)| part(nests, begin).map(|(_, end)| (begin, end))).collect()
}

/// Overwrites updated parameters where their new value is computed.
pub(super) fn update_in_place(loops: &mut Loops) {
    for position in (0..loops.nests.len()).rev() {
        let Some((from, to)) = copied(loops, &loops.nests[position]) else { continue };
        let Some(writer) = only_writer(loops, from, position) else { continue };
        let safe_later = (writer + 1..loops.nests.len())
            .all(|nest| nest == position || !touches(&loops.nests[nest], to));
        if safe_later && reads_where_it_writes(&loops.nests[writer].body, from, to) {
            let redirect = Redirect { from, to };
            loops.nests.remove(position);
            loops.nests.iter_mut().for_each(|nest| rename(nest, &redirect));
        }
    }
}

/// The temporary and the updated parameter of a nest that only copies.
fn copied(loops: &Loops, nest: &Nest) -> Option<(BufferId, BufferId)> {
    let copies = match nest.body.as_slice() {
        [Statement::For(outer)] => outer.body.as_slice(),
        other => other,
    };
    let [Statement::Store { buffer, address, expr: Expr::Load(from, source) }] = copies else {
        return None;
    };
    let updates = matches!(loops.buffers[*buffer].space, Space::Updated(_));
    let temporary = matches!(loops.buffers[*from].space, Space::Workspace(_));
    (updates && temporary && *address == **source).then_some((*from, *buffer))
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

/// One buffer for another.
struct Redirect {
    from: BufferId,
    to: BufferId,
}

impl Rename for Redirect {
    fn variable(&self, _variable: VariableId) -> Option<(Dim, Vec<(VariableId, Dim)>)> {
        None
    }
    fn buffer(&self, buffer: BufferId) -> BufferId {
        if buffer == self.from { self.to } else { buffer }
    }
}
