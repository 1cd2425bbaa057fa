//! Which iterations several workers may share.
//!
//! A nest that is one loop of independent iterations has tasks; a nest of several loops becomes several nests first.
//! What one of them computes and another needs is computed twice if that is a matter of extents and constants alone,
//! and otherwise goes through scratch of one element.
//!
//! ```text
//! before                                       after
//! nest 0 {                                     nest 0 {
//!   var $0: f32 lanes 64 = 0.0                   var $0: f32 lanes 64 = 0.0
//!   for i in 0..n lanes 64 { $0 = … }            for i in 0..n lanes 64 { $0 = … }
//!   let %0: f32 = combine.add $0                 let %0: f32 = combine.add $0
//!   for j in 0..n lanes 32 {                     store s[0] = %0
//!     store r0[j] = div(load x[j], %0)         }
//!   }                                          nest 1 tasks 60 {
//! }                                              let %1: f32 = load s[0]
//!                                                for j in 0..n lanes 32 { store r0[j] = div(load x[j], %1) }
//!                                              }
//! ```
//!
//! If the outermost loop is short and the only one inside is longer, the two change places.
//! Nests that never take long have no tasks. No result depends on any of this.

mod cost;
mod split;

use std::collections::BTreeSet;

use crate::graph::Dim;
use crate::loops::visit;
use crate::loops::{For, Loops, Manner, Nest, Statement};

/// Nests of known extents that take fewer picoseconds have no tasks.
const SMALL: i64 = 2_000_000;
/// A loop of fewer iterations than this leaves workers idle.
const FEW: i64 = 16;

/// Finds the tasks of every nest.
pub(super) fn tasks(loops: &mut Loops) {
    split::split(loops);
    for position in 0..loops.nests.len() {
        let mut nest =
            std::mem::replace(&mut loops.nests[position], Nest { tasks: None, body: Vec::new() });
        if let Some(outermost) = outermost_mut(&mut nest.body) {
            interchange(outermost);
        }
        nest.tasks = nest
            .outermost()
            .filter(|outermost| is_shared(outermost))
            .map(|outermost| cost::of_iteration(loops, outermost))
            .filter(|cost| nest.outermost().is_some_and(|outermost| is_long(outermost, cost)));
        loops.nests[position] = nest;
    }
}

/// Whether the iterations of an outermost loop may be shared: no register of the nest carries from one to the next.
fn is_shared(outermost: &For) -> bool {
    if outermost.manner == Manner::Serial || outermost.clip.is_some() {
        return false;
    }
    let mut declared = BTreeSet::new();
    let mut carries = false;
    visit::statements(&outermost.body, &mut |statement| match statement {
        Statement::Declare { register, .. } => {
            declared.insert(*register);
        }
        Statement::Set { register, expr: _ } => carries |= !declared.contains(register),
        Statement::For(_)
        | Statement::Let { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => {}
    });
    !carries
}

fn is_long(outermost: &For, cost: &Dim) -> bool {
    let whole = outermost.extent.clone() * cost.clone();
    whole.as_constant().is_none_or(|whole| whole >= SMALL)
}

/// As [`Nest::outermost`].
fn outermost_mut(statements: &mut [Statement]) -> Option<&mut For> {
    let mut rest = statements.iter_mut().filter(|it| !matches!(it, Statement::Let { .. }));
    let found = match rest.next()? {
        Statement::For(found) => Some(found),
        Statement::If { condition: _, body } => outermost_mut(body),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. } => None,
    };
    if rest.next().is_some() { None } else { found }
}

/// Puts the only loop inside of a short one around it. What was in front of it is computed once more for each of its iterations.
fn interchange(outer: &mut For) {
    let is_short = outer.extent.as_constant().is_some_and(|extent| extent < FEW);
    let Some((Statement::For(inner), front)) = outer.body.split_last() else { return };
    let is_plain = |it: &For| it.manner == Manner::Parallel && it.clip.is_none();
    let is_longer = inner.extent.as_constant().is_none_or(|extent| extent >= FEW);
    if !is_short || !is_longer || !is_plain(outer) || !is_plain(inner) {
        return;
    }
    if !front.iter().all(|statement| matches!(statement, Statement::Let { .. })) {
        return;
    }
    let body = front.iter().chain(&inner.body).cloned().collect();
    let short = For { body, ..outer.clone() };
    *outer = For { body: vec![Statement::For(short)], ..inner.clone() };
}
