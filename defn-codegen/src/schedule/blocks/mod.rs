//! Long reductions in blocks: for workers that share them, and for accuracy.
//!
//! [`share`]: a reduction over everything has no row that a worker could take. It becomes two loops: the first reduces blocks,
//! whose results go to scratch, the second reduces the results.
//!
//! ```text
//! before                                       after
//! var $0: f32 = 0.0                            for b in 0..floor((n + 4095) / 4096) parallel {
//! for i in 0..n parallel {                       var $1: f32 = 0.0
//!   $0 = add($0, load x[i])                      for i in 0..min(4096, n - 4096*b) parallel { $1 = add($1, load x[4096*b + i]) }
//! }                                              store p[b] = $1
//!                                              }
//!                                              var $0: f32 = 0.0
//!                                              for b in 0..floor((n + 4095) / 4096) parallel { $0 = add($0, load p[b]) }
//! ```
//!
//! [`nest`](fn@nest): a sum of floats inside of a row is added up block by block, so that what is added to is never much larger than
//! what is added: the error grows with the length of a block and the number of blocks, and not with their product.
//!
//! How long a block is fixes bits, so it knows neither level nor threads. Loops that are known to be short stay as they are.
//! Products with an axis in lanes stay too: their tiles keep an order of their own.

mod nest;
mod share;

pub(super) use nest::nest;
pub(super) use share::share;

use super::collapse::Replace;
use crate::graph::{Combine, Dim};
use crate::loops::ask;
use crate::loops::visit::{self, Rename};
use crate::loops::{Address, Expr, For, RegisterId, Statement, VariableId};

/// Elements of a block that runs in lanes, or is shared.
const BLOCK: i64 = 4096;

/// The part of a loop that a block is.
struct Part {
    /// The variable of the loop over blocks.
    block: VariableId,
    /// The variable inside.
    inside: VariableId,
    /// How many iterations a block has; the last one may have fewer.
    length: Dim,
}

impl Part {
    /// How many blocks a loop has.
    fn count(&self, whole: &For) -> Dim {
        let last = self.length.clone() - Dim::from(1);
        (whole.extent.clone() + last).floor_div(&self.length)
    }

    /// The loop inside of a block, with this body.
    fn of(&self, whole: &For, body: Vec<Statement>) -> For {
        let replace = Replace {
            variable: whole.variable,
            constant: Dim::default(),
            terms: sorted(vec![(self.block, self.length.clone()), (self.inside, Dim::from(1))]),
        };
        let body = body.iter().map(|it| visit::rename_statement(it, &replace)).collect();
        let mut clip = Address { constant: whole.extent.clone(), ..Address::default() };
        clip.add_term(self.block, &-self.length.clone());
        let is_even = self.count(whole) * self.length.clone() == whole.extent;
        For {
            variable: self.inside,
            extent: self.length.clone(),
            clip: (!is_even).then_some(clip),
            manner: whole.manner,
            body,
        }
    }
}

fn sorted(mut terms: Vec<(VariableId, Dim)>) -> Vec<(VariableId, Dim)> {
    terms.sort_by_key(|(variable, _)| *variable);
    terms
}

/// One register for another.
struct Registers<'r>(&'r [(RegisterId, RegisterId)]);

impl Rename for Registers<'_> {
    fn register(&self, register: RegisterId) -> RegisterId {
        let found = self.0.iter().find(|(from, _)| *from == register);
        found.map_or(register, |(_, to)| *to)
    }
}

/// The registers that a body changes and does not declare, each with how; none if one is changed otherwise than by a fold.
pub(super) fn folds(body: &[Statement]) -> Option<Vec<(RegisterId, Combine)>> {
    let mut declared = Vec::new();
    let mut folds: Vec<(RegisterId, Combine)> = Vec::new();
    let mut sound = true;
    visit::statements(body, &mut |statement| match statement {
        Statement::Declare { register, .. } => declared.push(*register),
        Statement::Set { register, expr } if !declared.contains(register) => {
            match ask::fold_of(*register, expr) {
                Some(combine) if !folds.iter().any(|(known, _)| known == register) => {
                    folds.push((*register, combine));
                }
                _ => sound = false,
            }
        }
        Statement::For(_)
        | Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => {}
    });
    let reads = |register: RegisterId| {
        let mut count = 0;
        visit::statements(body, &mut |statement| {
            visit::own_expressions(statement, &mut |expr| {
                visit::expressions(expr, &mut |expr| {
                    count += usize::from(*expr == Expr::Register(register));
                });
            });
        });
        count
    };
    // What has been folded so far is read by the fold alone.
    sound &= folds.iter().all(|(register, _)| reads(*register) == 1);
    sound.then_some(folds)
}
