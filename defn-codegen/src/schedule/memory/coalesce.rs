//! Two buffers one of which is only copied to the other become one, where nobody could tell them apart.
//!
//! ```text
//! before                                              after
//! loop i {                                            loop i {
//!   if flag {                                           if flag {
//!     nest { for j { store t1[j] = f(load s[j]) } }       nest { for j { store s[j] = f(load s[j]) } }
//!   } else {                                            } else {
//!     nest { for j { store t1[j] = load s[j] } }        }
//!   }                                                 }
//!   nest { for j { store s[j] = load t1[j] } }
//! }
//! ```
//!
//! This is how the registers of a program are coalesced: two buffers may be one unless one of them is written while the other is
//! alive and may hold something else. What is alive is asked along all ways through loops and branches.
//! A nest that writes one and reads the other for the last time must do so element by element.

use std::collections::BTreeMap;

use super::{BufferId, copied, find_store, reads_where_it_writes, rename};
use crate::graph::Dim;
use crate::loops::control::{Control, part};
use crate::loops::visit::{self, Buffers};
use crate::loops::{Address, For, Loops, Nest, Space, Statement, VariableId};

/// Makes one buffer of two wherever a copy between them can go.
pub(super) fn coalesce(loops: &mut Loops) {
    let mut position = loops.nests.len();
    while position > 0 {
        position -= 1;
        let Some((from, to)) = copied(loops, &loops.nests[position]) else { continue };
        if !is_alike(loops, from, to) || !Pair::of(loops, [from, to]).may_be_one() {
            continue;
        }
        let all = Buffers(BTreeMap::from([(from, to)]));
        let goes: Vec<bool> =
            loops.nests.iter().map(|nest| copies_between(loops, nest, [from, to])).collect();
        position -= goes[..position].iter().filter(|goes| **goes).count();
        let mut goes = goes.into_iter();
        loops.nests.retain(|_| goes.next() != Some(true));
        loops.nests.iter_mut().for_each(|nest| rename(nest, &all));
    }
}

/// Whether two buffers have as many elements of one type.
fn is_alike(loops: &Loops, one: BufferId, other: BufferId) -> bool {
    let [one, other] = [one, other].map(|it| &loops.buffers[it]);
    one.element == other.element && one.lanes == other.lanes && one.size() == other.size()
}

/// Whether a nest does nothing but copy all of one to the other.
fn copies_between(loops: &Loops, nest: &Nest, [one, other]: [BufferId; 2]) -> bool {
    let found = copied(loops, nest);
    let is_between = found == Some((one, other)) || found == Some((other, one));
    is_between && found.is_some_and(|(_, to)| is_filled(&nest.body, to, &loops.buffers[to].size()))
}

/// What nests do with two buffers.
pub(super) struct Pair<'l> {
    loops: &'l Loops,
    buffers: [BufferId; 2],
    /// For each nest.
    touches: Vec<Touch>,
    /// For each nest which of the two are alive behind it.
    alive: Vec<[bool; 2]>,
}

/// What a nest does with two buffers.
#[derive(Clone, Copy, Default)]
struct Touch {
    reads: [bool; 2],
    writes: [bool; 2],
    /// Every element is written, whatever holds.
    fills: [bool; 2],
    /// It copies all of one to the other.
    copies: bool,
}

impl<'l> Pair<'l> {
    pub(super) fn of(loops: &'l Loops, buffers: [BufferId; 2]) -> Self {
        let touches = loops.nests.iter().map(|nest| touch(loops, nest, buffers)).collect();
        let alive = vec![[false; 2]; loops.nests.len()];
        let mut pair = Self { loops, buffers, touches, alive };
        pair.find_alive();
        pair
    }

    /// Nothing is written where the other is alive, unless both hold the same.
    fn may_be_one(&self) -> bool {
        (0..self.touches.len()).all(|nest| {
            let touch = &self.touches[nest];
            let is_kept_apart = |one: usize| {
                let other = 1 - one;
                let reads_in_place = || {
                    let (body, size) =
                        (&self.loops.nests[nest].body, self.loops.buffers[self.buffers[0]].size());
                    is_filled(body, self.buffers[one], &size)
                        && reads_where_it_writes(body, self.buffers[one], self.buffers[other])
                };
                !touch.writes[one]
                    || !self.alive[nest][other]
                        && !touch.writes[other]
                        && (!touch.reads[other] || reads_in_place())
            };
            touch.copies || is_kept_apart(0) && is_kept_apart(1)
        })
    }

    /// Whether nobody reads what the first one holds behind a nest.
    pub(super) fn is_dead_behind(&self, nest: usize) -> bool {
        !self.alive[nest][0]
    }

    /// Which are alive behind each nest, along all ways on from there.
    fn find_alive(&mut self) {
        let nests = &self.loops.nests;
        let at_end = self.buffers.map(|buffer| {
            let space = &self.loops.buffers[buffer].space;
            matches!(space, Space::Result(_) | Space::Updated(_))
        });
        let next = next(nests);
        loop {
            let mut changes = false;
            for nest in (0..nests.len()).rev() {
                let mut alive = [false; 2];
                for to in &next[nest] {
                    let before = self.touches.get(*to).map_or(at_end, |touch| {
                        let behind = self.alive[*to];
                        [0, 1].map(|it| touch.reads[it] || behind[it] && !touch.fills[it])
                    });
                    alive = [0, 1].map(|it| alive[it] || before[it]);
                }
                changes |= alive != self.alive[nest];
                self.alive[nest] = alive;
            }
            if !changes {
                return;
            }
        }
    }
}

/// Where it goes on behind each nest; one behind the last is the end.
fn next(nests: &[Nest]) -> Vec<Vec<usize>> {
    let mut next: Vec<Vec<usize>> = (1..=nests.len()).map(|position| vec![position]).collect();
    let mut leaves = Vec::new();
    for (begin, nest) in nests.iter().enumerate() {
        if matches!(nest.control, Some(Control::Leave { .. })) {
            leaves.push(begin);
        }
        let (Some(control), Some((otherwise, end))) = (&nest.control, part(nests, begin)) else {
            continue;
        };
        match control {
            Control::Repeat { .. } => {
                next[begin].push(end + 1);
                next[end] = vec![begin];
            }
            Control::Loop { .. } => next[end] = vec![begin],
            Control::If { .. } => {
                next[begin].push(otherwise.unwrap_or(end) + 1);
                if let Some(otherwise) = otherwise {
                    next[otherwise] = vec![end];
                }
            }
            Control::Leave { .. } | Control::Else | Control::End | Control::Inspect { .. } => {}
        }
    }
    for leave in leaves {
        let is_around = |begin: &usize| {
            matches!(nests[*begin].control, Some(Control::Loop { .. }))
                && part(nests, *begin).is_some_and(|(_, end)| leave < end)
        };
        let around = (0..leave).rev().find(is_around);
        let end = around.and_then(|begin| part(nests, begin)).map_or(leave, |(_, end)| end);
        next[leave].push(end + 1);
    }
    next
}

fn touch(loops: &Loops, nest: &Nest, buffers: [BufferId; 2]) -> Touch {
    let mut touch = Touch::default();
    let read = nest.control.as_ref().and_then(Control::reads);
    touch.reads = buffers.map(|buffer| read == Some(buffer));
    visit::addresses(&nest.body, &mut |buffer, _, written| {
        for it in [0, 1].into_iter().filter(|it| buffers[*it] == buffer) {
            touch.writes[it] |= written;
            touch.reads[it] |= !written;
        }
    });
    touch.fills = [0, 1].map(|it| {
        let buffer = buffers[it];
        touch.writes[it] && is_filled(&nest.body, buffer, &loops.buffers[buffer].size())
    });
    touch.copies = touch.writes != [false; 2] && copies_between(loops, nest, buffers);
    touch
}

/// Whether the first store to a buffer writes each of its elements, and each of them once.
pub(super) fn is_filled(body: &[Statement], buffer: BufferId, size: &Dim) -> bool {
    let mut around: Vec<&For> = Vec::new();
    let Some(address) = first_store(body, buffer, &mut around) else { return false };
    if !address.constant.is(0) || !address.computed.is_empty() {
        return false;
    }
    let mut open: Vec<(VariableId, Dim)> = address.terms.clone();
    let mut step = Dim::from(1);
    while let Some(found) = open.iter().position(|(_, by)| *by == step) {
        let (variable, _) = open.remove(found);
        let Some(at) = around.iter().position(|it| it.variable == variable) else { return false };
        let inner = around.remove(at);
        if inner.clip.is_some() {
            return false;
        }
        step = step * inner.extent.clone();
    }
    open.is_empty() && around.is_empty() && step == *size
}

/// The address of the first store, if it stands in nothing but loops.
fn first_store<'s>(
    body: &'s [Statement],
    buffer: BufferId,
    around: &mut Vec<&'s For>,
) -> Option<&'s Address> {
    let mut block = None;
    for statement in body {
        match statement {
            Statement::Store { buffer: to, address, expr: _ } if *to == buffer => {
                return Some(address);
            }
            Statement::For(inner) => {
                find_store(&inner.body, buffer, &mut block);
                if block.is_some() {
                    around.push(inner);
                    return first_store(&inner.body, buffer, around);
                }
            }
            Statement::If { condition: _, body } => {
                find_store(body, buffer, &mut block);
                if block.is_some() {
                    return None;
                }
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::Mma(_)
            | Statement::Sync => {}
        }
    }
    None
}
