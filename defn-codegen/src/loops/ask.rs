//! Questions about statements and expressions that several passes ask, each answered once.
//!
//! In: a piece of a program.   Out: what it is, and nothing changed.

use super::visit;
use super::{Expr, For, RegisterId, Statement, VariableId};
use crate::graph::Combine;

/// Whether a condition compares nothing but positions that `is_fixed` variables make.
pub fn is_of_positions(condition: &Expr, is_fixed: &dyn Fn(VariableId) -> bool) -> bool {
    let mut plain = true;
    visit::expressions(condition, &mut |expr| match expr {
        Expr::Position { constant: _, terms } => {
            plain &= terms.iter().all(|(variable, _)| is_fixed(*variable));
        }
        Expr::Constant(_) | Expr::Compare(..) | Expr::Binary(..) | Expr::Unary(..) => {}
        Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Convert(..)
        | Expr::Bits(..)
        | Expr::Shift { .. }
        | Expr::Load(..) => plain = false,
    });
    plain
}

/// Whether a condition depends on extents alone.
pub fn is_of_extents(condition: &Expr) -> bool {
    is_of_positions(condition, &|_| false)
}

/// What a register is folded with, if this is a fold of it: `$0 = add($0, value)` or `$0 = fma(a, b, $0)`.
pub fn fold_of(register: RegisterId, expr: &Expr) -> Option<Combine> {
    let own = Expr::Register(register);
    match expr {
        Expr::MultiplyAdd(_, _, so_far) => (**so_far == own).then_some(Combine::Add),
        Expr::Binary(binary, so_far, _) if **so_far == own => {
            Combine::ALL.iter().copied().find(|combine| combine.binary() == *binary)
        }
        Expr::Binary(..)
        | Expr::Constant(_)
        | Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. }
        | Expr::Unary(..)
        | Expr::Compare(..)
        | Expr::Select(..)
        | Expr::Convert(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Load(..) => None,
    }
}

/// Whether a statement adds a product to a register.
pub fn multiplies(statement: &Statement) -> bool {
    matches!(statement, Statement::Set { register: _, expr: Expr::MultiplyAdd(..) })
}

/// The loop that a statement is.
pub fn as_loop(statement: &Statement) -> Option<&For> {
    match statement {
        Statement::For(found) => Some(found),
        Statement::Let { .. }
        | Statement::Declare { .. }
        | Statement::Set { .. }
        | Statement::Store { .. }
        | Statement::If { .. } => None,
    }
}

/// The only loop of a block, beside which other statements may stand.
pub fn only_loop(block: &[Statement]) -> Option<&For> {
    let mut loops = block.iter().filter_map(as_loop);
    let only = loops.next()?;
    loops.next().is_none().then_some(only)
}
