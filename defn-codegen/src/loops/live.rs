//! What is alive at once: how much scratch no plan can do without.
//!
//! In: a program.   Out: for each temporary the nests between which it is alive, and the most that is alive at one time.
//!
//! ```text
//! nest 0: t0 = …                  t0
//! nest 1: t1 = … t0 …             t0 t1        the most: t0 and t1
//! nest 2: r0 = … t1 …                t1
//! ```
//!
//! What belongs to a form that is not chosen takes nothing: `if ge(pos(n), i64(8)) { … }` holds its temporaries `reaches(n, 8)` times.

use super::control::{Control, part};
use super::{BufferId, Expr, Loops, Nest, Space, Statement};
use crate::graph::{Binary, Comparison, Dim};

/// When a temporary is alive, and how large it is then.
#[derive(Clone, Debug)]
pub struct Lifetime {
    /// Which.
    pub buffer: BufferId,
    /// Its bytes; 0 where the form that it belongs to is not chosen.
    pub bytes: Dim,
    /// The first nest that touches it.
    pub first: usize,
    /// The last.
    pub last: usize,
    /// What holds of the extents wherever it is touched.
    conditions: Vec<(Dim, i64)>,
}

/// The lifetimes of the temporaries of a region, in order of first use.
pub fn lifetimes(loops: &Loops, region: fn(&Space) -> bool) -> Vec<Lifetime> {
    let mut lifetimes: Vec<Lifetime> = Vec::new();
    for (position, nest) in loops.nests.iter().enumerate() {
        let conditions = conditions(nest);
        nest.buffers(&mut |buffer| {
            if !region(&loops.buffers[buffer].space) {
                return;
            }
            match lifetimes.iter_mut().find(|known| known.buffer == buffer) {
                Some(known) => {
                    known.last = position;
                    known.conditions.retain(|one| conditions.contains(one));
                }
                None => lifetimes.push(Lifetime {
                    buffer,
                    bytes: loops.buffers[buffer].bytes(),
                    first: position,
                    last: position,
                    conditions: conditions.clone(),
                }),
            }
        });
    }
    // What is used inside of a loop and outside of it lives as long as the loop: what it collects does, and what it is given.
    // Inner loops come before those around.
    for (begin, end) in repeated(&loops.nests).into_iter().rev() {
        for Lifetime { first, last, .. } in &mut lifetimes {
            let is_inside = *first < end && begin < *last;
            if is_inside && (*first < begin || end < *last) {
                (*first, *last) = (begin.min(*first), end.max(*last));
            }
        }
    }
    lifetimes.sort_by_key(|lifetime| lifetime.first);
    for lifetime in &mut lifetimes {
        // Of fast memory a team has what its nest needs, whatever forms the others are.
        if loops.buffers[lifetime.buffer].space.is_shared() {
            continue;
        }
        for (extent, bound) in &lifetime.conditions {
            lifetime.bytes = lifetime.bytes.clone() * extent.reaches(*bound);
        }
    }
    lifetimes
}

/// The first and the last position of each part that runs again and again, in the order of the text.
fn repeated(nests: &[Nest]) -> Vec<(usize, usize)> {
    let repeats = |nest: &Nest| nest.control.as_ref().is_some_and(Control::repeats);
    let begins = (0..nests.len()).filter(|at| repeats(&nests[*at]));
    begins.filter_map(|begin| part(nests, begin).map(|(_, end)| (begin, end))).collect()
}

/// The most bytes that temporaries of a region hold at one time.
pub fn most(loops: &Loops, region: fn(&Space) -> bool) -> Dim {
    let lifetimes = lifetimes(loops, region);
    Dim::largest((0..loops.nests.len()).map(|at| {
        let alive = lifetimes.iter().filter(|it| (it.first..=it.last).contains(&at));
        alive.fold(Dim::default(), |sum, it| sum + it.bytes.clone())
    }))
}

/// Bounds that extents reach where a nest does anything: those of a condition around all of it.
fn conditions(nest: &Nest) -> Vec<(Dim, i64)> {
    let mut found = Vec::new();
    if let [Statement::If { condition, body: _ }] = nest.body.as_slice() {
        bounds(condition, &mut found);
    }
    found
}

fn bounds(condition: &Expr, found: &mut Vec<(Dim, i64)>) {
    if let Expr::Binary(Binary::And, left, right) = condition {
        bounds(left, found);
        bounds(right, found);
    }
    if let Expr::Compare(Comparison::Ge, left, right) = condition
        && let (Expr::Position { constant: extent, terms }, Expr::Constant(bound)) =
            (&**left, &**right)
        && terms.is_empty()
        && !found.iter().any(|(known, _)| known == extent)
    {
        found.push((extent.clone(), bound.bits.cast_signed()));
    }
}
