//! Whoever can compare many numbers at a time sorts by comparing, all others by digits.
//!
//! ```text
//! before                                       after, at v4              after, elsewhere
//! for i in 0..1 sorted {                       for i in 0..1 sorted {    …
//!   for j in 0..n { store r[j] = load k[j] }     for j in 0..n { … }
//!   …                                          }
//! }
//! ```
//!
//! A level may choose, because every order of integers is the same one.
//! Comparing pays where an instruction packs the lanes of a mask side by side.

use crate::loops::{For, Loops, Manner, Statement};
use crate::options::{Level, Target};

/// Chooses one of the two ways of every loop that sorts.
pub(super) fn sorts(loops: &mut Loops, target: Target) {
    let packs = target == Target::Host(Level::V4);
    for nest in &mut loops.nests {
        nest.body = block(std::mem::take(&mut nest.body), packs);
    }
}

fn block(statements: Vec<Statement>, packs: bool) -> Vec<Statement> {
    let mut out = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::For(mut inner) if inner.manner == Manner::Sorted => {
                let rest = inner.body.split_off(1);
                if packs {
                    out.push(Statement::For(inner));
                } else {
                    out.extend(rest);
                }
            }
            Statement::For(inner) => {
                let body = block(inner.body, packs);
                out.push(Statement::For(For { body, ..inner }));
            }
            Statement::If { condition, body } => {
                out.push(Statement::If { condition, body: block(body, packs) });
            }
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::Mma(_)
            | Statement::Sync => out.push(statement),
        }
    }
    out
}
