//! Many small problems side by side: each has a lane, and all that is done to it is written out.
//!
//! ```text
//! before: n systems of 2 equations                      after
//! nest 0 { for i0 in 0..4*n { store t0[i0] = … } }      nest 0 {
//! repeat i1 in 0..2 {                                     for i5 in 0..n parallel {
//!   nest 1 { for i2 in 0..n { for i3 in 0..2 {              let %0 = load a[4*i5]
//!     store t1[4*i2 + 2*i3 + …] = …                         let %1 = load a[4*i5 + 1]
//!   } } }                                                   …
//!   nest 2 { for i4 in 0..4*n { store t0[i4] = load t1[i4] } }  store r0[2*i5] = %17
//! }                                                         store r0[2*i5 + 1] = %21
//!                                                         }
//!                                                       }
//! ```
//!
//! A mapped function with loops of a few iterations over a few elements is a list of nests that go over all problems again and again,
//! and through memory in between. Where no problem looks at another, one loop over the problems does all of it: a state is a handful of
//! values, a store into a row renames some of them, what is assigned to a computed position is a choice for each position that there is,
//! and what nobody needs any more is not computed. [`written`] does that; here is which nests belong together.
//!
//! A loop whose body keeps to single elements stays a loop: see [`registers`](super::registers).
//! Afterwards: sums have the order of the nests, so that every element has the bits that it had.
//! Never here: problems that are too large to be written out.

mod fold;
mod written;

use std::collections::BTreeSet;
use std::ops::Range;

use super::names::Names;
use crate::graph::Dim;
use crate::loops::control::part;
use crate::loops::visit;
use crate::loops::{BufferId, Control, For, Loops, Manner, Nest, Statement};

use written::Problem;

/// Fewer problems are not worth lanes.
const FEW: i64 = 8;
/// A loop of more iterations is not written out.
const MOST_TIMES: i64 = 16;

/// Rewrites all such programs.
pub(super) fn problems(loops: &mut Loops) {
    let mut names = Names::of(loops);
    let mut begin = 0;
    while begin < loops.nests.len() {
        if let Some((range, nest)) = around(loops, &mut names, begin) {
            begin = range.start;
            loops.nests.splice(range, [nest]);
        }
        begin += 1;
    }
}

/// The nests around a loop that are one nest together with it.
fn around(loops: &Loops, names: &mut Names, begin: usize) -> Option<(Range<usize>, Nest)> {
    let repeats = matches!(loops.nests[begin].control, Some(Control::Repeat { .. }));
    let (_, end) = part(&loops.nests, begin).filter(|_| repeats)?;
    let mut range = begin..end + 1;
    let shared = shared(&loops.nests[range.clone()])?;
    let mut found =
        written::written(loops, names, &Problem { range: range.clone(), shared: &shared })?;
    // What stands in front and behind, as long as it hands something over.
    while let Some(behind) = after(loops, &range).filter(|it| goes_on(loops, &range, it, &shared)) {
        let Some(more) = written::written(
            loops,
            names,
            &Problem { range: range.start..behind.end, shared: &shared },
        ) else {
            break;
        };
        (range, found) = (range.start..behind.end, more);
    }
    while let Some(front) = before(loops, &range).filter(|it| goes_on(loops, &range, it, &shared)) {
        let Some(more) = written::written(
            loops,
            names,
            &Problem { range: front.start..range.end, shared: &shared },
        ) else {
            break;
        };
        (range, found) = (front.start..range.end, more);
    }
    Some((range, found))
}

/// How many problems there are: what the outermost loops of all nests have in common.
fn shared(nests: &[Nest]) -> Option<Dim> {
    let mut extents: Vec<&Dim> = Vec::new();
    let mut is_deep = false;
    for nest in nests {
        match &nest.control {
            None => {}
            Some(Control::Repeat { variable: _, extent }) => {
                extent.as_constant().filter(|times| *times <= MOST_TIMES)?;
            }
            Some(Control::End) => {}
            Some(
                Control::Loop { .. }
                | Control::Leave { .. }
                | Control::If { .. }
                | Control::Else
                | Control::Inspect { .. },
            ) => return None,
        }
        for statement in nest.body.iter().filter(|it| !is_value(it)) {
            let outer = rows(statement)?;
            is_deep |= outer.body.iter().any(|it| matches!(it, Statement::For(_)));
            extents.push(&outer.extent);
        }
    }
    let divides = |one: &&&Dim| extents.iter().all(|other| times(other, one).is_some());
    let common = (*extents.iter().find(divides)?).clone();
    is_deep |= extents.iter().any(|extent| **extent != common);
    let is_few = common.as_constant().is_some_and(|count| count < FEW);
    (is_deep && !is_few).then_some(common)
}

fn is_value(statement: &Statement) -> bool {
    matches!(statement, Statement::Let { .. })
}

/// A loop over problems, as far as can be seen from outside. In which order it goes is all the same if they have nothing to do with each other.
fn rows(statement: &Statement) -> Option<&For> {
    let Statement::For(outer) = statement else { return None };
    let has_lanes = matches!(outer.manner, Manner::Lanes(_));
    (!has_lanes && outer.clip.is_none()).then_some(outer)
}

/// How many times as long an extent is as another.
pub(super) fn times(extent: &Dim, shared: &Dim) -> Option<i64> {
    let (long, short) = (extent.terms().first()?, shared.terms().first()?);
    let count = (long.1 % short.1 == 0).then_some(long.1 / short.1)?;
    (count > 0 && shared.clone() * Dim::from(count) == *extent).then_some(count)
}

/// The nest or the part that follows.
fn after(loops: &Loops, range: &Range<usize>) -> Option<Range<usize>> {
    let nest = loops.nests.get(range.end)?;
    if nest.control.is_none() {
        return Some(range.end..range.end + 1);
    }
    part(&loops.nests, range.end).map(|(_, end)| range.end..end + 1)
}

/// The nest or the part in front.
fn before(loops: &Loops, range: &Range<usize>) -> Option<Range<usize>> {
    let last = range.start.checked_sub(1)?;
    match &loops.nests[last].control {
        None => Some(last..range.start),
        Some(Control::End) => {
            let opens =
                |begin: &usize| part(&loops.nests, *begin).is_some_and(|(_, end)| end == last);
            (0..last).rev().find(opens).map(|begin| begin..range.start)
        }
        Some(
            Control::Repeat { .. }
            | Control::Loop { .. }
            | Control::Leave { .. }
            | Control::If { .. }
            | Control::Else
            | Control::Inspect { .. },
        ) => None,
    }
}

/// Whether other nests go over the same problems, and hand something over or take it.
fn goes_on(loops: &Loops, range: &Range<usize>, other: &Range<usize>, common: &Dim) -> bool {
    let other = &loops.nests[other.clone()];
    let is_plain = |nest: &Nest| match &nest.control {
        None => nest.body.iter().all(|statement| {
            let is_common = |outer: &For| times(&outer.extent, common).is_some();
            is_value(statement) || rows(statement).is_some_and(is_common)
        }),
        Some(_) => true,
    };
    let has_parts = other.iter().any(|nest| nest.control.is_some());
    if !other.iter().all(is_plain) || has_parts && shared(other).is_none_or(|it| it != *common) {
        return false;
    }
    let (here, there) = (touched(&loops.nests[range.clone()]), touched(other));
    let hands =
        |(from, to): (&Touched, &Touched)| from.written.iter().any(|it| to.read.contains(it));
    hands((&here, &there)) || hands((&there, &here))
}

/// Which buffers must hold what is stored in them when all is done.
struct Kept {
    /// What other nests touch.
    outside: BTreeSet<BufferId>,
    /// Whether it is done again and again, so that what is read before it is written comes from the time before.
    is_repeated: bool,
}

impl Kept {
    fn of(loops: &Loops, range: &Range<usize>) -> Self {
        let mut outside = BTreeSet::new();
        let others = (0..loops.nests.len()).filter(|nest| !range.contains(nest));
        for nest in others {
            loops.nests[nest].buffers(&mut |buffer| {
                outside.insert(buffer);
            });
        }
        let around =
            |begin: usize| part(&loops.nests, begin).is_some_and(|(_, end)| end >= range.end);
        Self { outside, is_repeated: (0..range.start).any(around) }
    }
}

/// What nests read and write.
#[derive(Default)]
struct Touched {
    read: BTreeSet<BufferId>,
    written: BTreeSet<BufferId>,
}

fn touched(nests: &[Nest]) -> Touched {
    let mut touched = Touched::default();
    for nest in nests {
        visit::addresses(&nest.body, &mut |buffer, _, written| {
            if written {
                touched.written.insert(buffer)
            } else {
                touched.read.insert(buffer)
            };
        });
    }
    touched
}
