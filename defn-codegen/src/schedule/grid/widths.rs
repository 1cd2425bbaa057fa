//! How many lanes loops have that fold nothing: a warp, as often as a thread loads neighbours at once.
//!
//! In: lanes as a host has them.   Out: lanes for warps, where no bit depends on their number.
//!
//! A thread reads at most 16 bytes at a time, and has a register for every value of every lane that it has:
//!
//! | body | lanes of a thread |
//! |---|---|
//! | holds loops, or functions of many operations | 1 |
//! | elements of `s` bytes | 16 / `s`, at most 4 |

use std::collections::BTreeSet;

use super::WARP;
use crate::graph::{Binary, Unary};
use crate::loops::visit;
use crate::loops::{Expr, For, Loops, Manner, RegisterId, Statement};

/// Bytes that a thread reads at once.
const BYTES: usize = 16;
/// More lanes than this need too many registers.
const MOST: usize = 4;

/// Widens the lanes of all loops where it is free.
pub(in crate::schedule) fn widths(loops: &mut Loops) {
    for position in 0..loops.nests.len() {
        if loops.nests[position].threads > 1 {
            continue;
        }
        let mut body = std::mem::take(&mut loops.nests[position].body);
        let mut parts = BTreeSet::new();
        visit::statements(&body, &mut |statement| {
            if let Statement::Declare { register, lanes: 2.., .. } = statement {
                parts.insert(*register);
            }
        });
        block(&mut body, loops, &parts);
        loops.nests[position].body = body;
    }
}

fn block(statements: &mut [Statement], loops: &Loops, parts: &BTreeSet<RegisterId>) {
    for statement in statements {
        match statement {
            Statement::For(inner) if matches!(inner.manner, Manner::Lanes(_)) => {
                if is_free(inner, loops, parts) {
                    inner.manner = Manner::Lanes(width(inner, loops));
                }
            }
            Statement::For(inner) => block(&mut inner.body, loops, parts),
            Statement::If { condition: _, body } => block(body, loops, parts),
            Statement::Let { .. }
            | Statement::Declare { .. }
            | Statement::Set { .. }
            | Statement::Store { .. }
            | Statement::Sync
            | Statement::Mma(_) => {}
        }
    }
}

/// Whether nothing depends on the number of lanes: nothing has parts, and no lane looks at another.
fn is_free(inner: &For, loops: &Loops, parts: &BTreeSet<RegisterId>) -> bool {
    let mut free = true;
    visit::addresses(&inner.body, &mut |buffer, _, _| free &= loops.buffers[buffer].lanes == 1);
    visit::statements(&inner.body, &mut |statement| {
        free &= !matches!(statement, Statement::Set { register, .. } if parts.contains(register));
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| {
                free &= !matches!(expr, Expr::Shift { .. });
                free &= !matches!(expr, Expr::Register(register) if parts.contains(register));
            });
        });
    });
    free
}

fn width(inner: &For, loops: &Loops) -> u32 {
    let (mut size, mut is_long) = (1, false);
    visit::addresses(&inner.body, &mut |buffer, _, _| {
        size = size.max(loops.buffers[buffer].element.size());
    });
    visit::statements(&inner.body, &mut |statement| {
        is_long |= matches!(statement, Statement::For(_));
        visit::own_expressions(statement, &mut |expr| {
            visit::expressions(expr, &mut |expr| is_long |= is_heavy(expr));
        });
    });
    let parts = if is_long { 1 } else { (BYTES / size).clamp(1, MOST) as u32 };
    let most = WARP * parts;
    // A short loop leaves threads idle rather than parts.
    let extent = inner.extent.as_constant().and_then(|extent| u32::try_from(extent.max(1)).ok());
    let needed = extent.and_then(u32::checked_next_power_of_two);
    needed.map_or(most, |needed| needed.clamp(WARP, most))
}

/// Whether an expression is many instructions.
fn is_heavy(expr: &Expr) -> bool {
    match expr {
        Expr::Unary(unary, _) => !unary.is_plain() && *unary != Unary::Sqrt,
        Expr::Binary(binary, ..) => {
            matches!(binary, Binary::Pow | Binary::Atan2 | Binary::Rem | Binary::Div)
        }
        Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. }
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Convert(..)
        | Expr::Load(..) => false,
    }
}
