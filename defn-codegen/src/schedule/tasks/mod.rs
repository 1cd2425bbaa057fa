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
//! Extents are often known only when the function is called, and an outermost loop may then have a single iteration: the batch of
//! one image, or the only group of columns of a product. So the loop that ends the body of the outermost one is shared with it,
//! and the next, as far as they are independent and what stands in front is done again for little:
//!
//! ```text
//! before                                       after
//! nest 0 {                                     nest 0 tasks 700*l over 2 front 40*l {
//!   for j in 0..m lanes 64 {                     for j in 0..m lanes 64 {
//!     for k in 0..l { panel[k] = load b[…] }       for k in 0..l { panel[k] = load b[…] }
//!     for i in 0..n parallel { … }                 for i in 0..n parallel { … }
//! } }                                          } }
//! ```
//!
//! Nests that never take long have no tasks. No result depends on any of this.

mod cost;
mod split;

pub(super) use split::Crossing;

use std::collections::BTreeSet;

use crate::loops::visit;
use crate::loops::{For, Loops, Manner, Nest, Space, Statement, Tasks};

/// Who executes tasks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workers {
    /// Nests of known extents that take fewer picoseconds on a host have no tasks.
    small: i64,
    /// Loops of fewer iterations than this leave workers idle.
    few: i64,
    /// Whether a task costs nothing, so that lanes are shared whatever the extents are, but nothing is computed again for one.
    are_many: bool,
}

impl Workers {
    /// A few threads of a host.
    pub(super) const HOST: Self = Self { small: 2_000_000, few: 64, are_many: false };
    /// Thousands of warps of a device, each much slower than a thread of a host.
    pub(super) const DEVICE: Self = Self { small: 100_000, few: 1 << 14, are_many: true };
}

/// Whether a nest is never worth another thread of a host, whatever the extents are.
pub(super) fn is_small(loops: &Loops, nest: &Nest) -> bool {
    let whole = cost::of_body(loops, &nest.body).as_constant();
    whole.is_some_and(|whole| whole < Workers::HOST.small)
}

/// Finds the tasks of every nest.
pub(super) fn tasks(loops: &mut Loops, workers: Workers) {
    split::split(loops, workers);
    for position in 0..loops.nests.len() {
        if loops.nests[position].threads == 1 {
            let tasks = tasks_of(loops, &loops.nests[position], workers);
            loops.nests[position].tasks = tasks;
        }
    }
}

fn tasks_of(loops: &Loops, nest: &Nest, workers: Workers) -> Option<Tasks> {
    let outermost = nest.outermost().filter(|outermost| is_shared(outermost))?;
    let mut shared = vec![outermost];
    while let Some(inner) = also_shared(loops, &shared, workers) {
        shared.push(inner);
    }
    let tasks = Tasks {
        loops: shared.len(),
        whole: cost::of_body(loops, &nest.body),
        front: cost::of_fronts(loops, &shared),
    };
    tasks.whole.as_constant().is_none_or(|whole| whole >= workers.small).then_some(tasks)
}

/// The loop inside of shared ones that is shared with them.
fn also_shared<'l>(loops: &Loops, shared: &[&'l For], workers: Workers) -> Option<&'l For> {
    let around: Option<i64> = shared.iter().map(|it| it.extent.as_constant()).product();
    let groups = around.map(|around| around / i64::from(shared[0].width()));
    if groups.is_some_and(|groups| groups >= workers.few) {
        return None;
    }
    let (Statement::For(inner), front) = shared.last()?.body.split_last()? else { return None };
    // Lanes whose bounds change would slow down short rows, unless it is sure that they are needed.
    let is_worth = inner.width() == 1 || around.is_some() || workers.are_many;
    let is_value = |statement: &Statement| matches!(statement, Statement::Let { .. });
    let is_cheap = front
        .iter()
        .all(|statement| is_value(statement) || (!workers.are_many && prepares(loops, statement)));
    (is_shared(inner) && is_worth && is_cheap).then_some(inner)
}

/// Whether a statement gives a value, or fills private scratch, so that it may be done several times.
fn prepares(loops: &Loops, statement: &Statement) -> bool {
    match statement {
        Statement::Sync | Statement::Let { .. } => true,
        Statement::Store { buffer, .. } => {
            matches!(loops.buffers[*buffer].space, Space::Private(_))
        }
        Statement::For(inner) => inner.body.iter().all(|it| prepares(loops, it)),
        Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Mma(_)
        | Statement::If { .. } => false,
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
        | Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => {}
    });
    !carries
}
