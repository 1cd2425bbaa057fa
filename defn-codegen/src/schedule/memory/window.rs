//! Values that are computed beside the place where they are kept, and copied there.
//!
//! ```text
//! before                                                  after
//! repeat i in 0..n {                                      repeat i in 0..n {
//!   nest { for j in 0..8 { store t1[j] = f(…) } }           nest { for j in 0..8 { store xs[8*i + j] = f(…) } }
//!   nest { for j in 0..8 { store xs[8*i + j] = load t1[j] } }
//! }                                                       }
//! ```
//!
//! Both sides of a branch give what a loop collects in this way.

use super::coalesce::Pair;
use super::{is_filled, rename, touches};
use crate::graph::Dim;
use crate::loops::control::part;
use crate::loops::visit::{self, Rename};
use crate::loops::{Address, BufferId, Expr, For, Loops, Nest, Space, Statement};

/// Stores values where they are kept, if nothing else happens there in between.
pub(super) fn store_in_windows(loops: &mut Loops) {
    for position in (0..loops.nests.len()).rev() {
        let Some(window) = Window::of(loops, &loops.nests[position]) else { continue };
        let Some(begin) = begin(&loops.nests, position) else { continue };
        if window.is_free(loops, begin, position) {
            loops.nests.remove(position);
            loops.nests.iter_mut().for_each(|nest| rename(nest, &window));
        }
    }
}

/// The marker in front of the innermost part around a nest.
fn begin(nests: &[Nest], position: usize) -> Option<usize> {
    let is_around = |begin: &usize| part(nests, *begin).is_some_and(|(_, end)| position < end);
    let begin = (0..position).rev().find(is_around)?;
    let (otherwise, _) = part(nests, begin)?;
    Some(otherwise.filter(|otherwise| *otherwise < position).unwrap_or(begin))
}

/// All of a buffer stands from here on in another one.
struct Window {
    from: BufferId,
    to: BufferId,
    begin: Address,
}

impl Window {
    /// The window that a nest copies all of a temporary to, if it does nothing else.
    fn of(loops: &Loops, nest: &Nest) -> Option<Self> {
        let (store, counter) = match nest.body.as_slice() {
            [Statement::For(inner)] => (inner.body.as_slice(), Some(inner.variable)),
            other => (other, None),
        };
        let [Statement::Store { buffer, address, expr: Expr::Load(from, place) }] = store else {
            return None;
        };
        let (from, to) = (*from, *buffer);
        let same = Expr::Load(from, place.clone());
        let is_temporary = loops.buffers[from].space.is_workspace();
        let is_place = !matches!(loops.buffers[to].space, Space::Parameter(_));
        let mut begin = address.clone();
        begin.terms.retain(|(variable, _)| Some(*variable) != counter);
        let is_in_order = counter.is_none_or(|counter| address.coefficient(counter).is(1));
        let copies = from != to && is_temporary && is_place && address.computed.is_empty();
        // What is filled by a store to the place that is read is read as a whole.
        let read = Statement::Store { buffer: from, address: Address::clone(place), expr: same };
        let read = match nest.body.as_slice() {
            [Statement::For(inner)] => Statement::For(For { body: vec![read], ..inner.clone() }),
            _ => read,
        };
        let reads_all = is_filled(&[read], from, &loops.buffers[from].size());
        (copies && is_in_order && reads_all).then_some(Self { from, to, begin })
    }

    /// Whether only the nests between know the temporary, and none of them what it is copied over.
    fn is_free(&self, loops: &Loops, begin: usize, position: usize) -> bool {
        let nests = &loops.nests;
        let inside = begin + 1..position;
        let is_inside = |nest: usize| {
            !touches(&nests[nest], self.from)
                || nest == position
                || inside.contains(&nest) && nests[nest].control.is_none()
        };
        (0..nests.len()).all(is_inside)
            && inside.clone().all(|nest| !touches(&nests[nest], self.to))
            && Pair::of(loops, [self.from, self.to]).is_dead_behind(begin)
    }
}

impl Rename for Window {
    fn place(&self, buffer: BufferId, address: &Address) -> Option<(BufferId, Address)> {
        let mut moved = visit::rename_address(address, self);
        (buffer == self.from).then(|| {
            moved.add_scaled(&self.begin, &Dim::from(1));
            (self.to, moved)
        })
    }
}
