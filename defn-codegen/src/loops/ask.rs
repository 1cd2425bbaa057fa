//! Questions about statements and expressions that several passes ask, each answered once.
//!
//! In: a piece of a program.   Out: what it is, and nothing changed.

use super::visit;
use super::{Expr, For, RegisterId, Statement, VariableId};
use crate::graph::{Binary, Combine, Element, Unary};

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

/// Whether a condition is made of comparisons of extents: with `and` and `not` the only form in which choices between forms are written.
pub fn is_of_extents(condition: &Expr) -> bool {
    match condition {
        Expr::Position { constant: _, terms } => terms.is_empty(),
        Expr::Constant(scalar) => scalar.element == Element::I64,
        Expr::Compare(_, left, right) | Expr::Binary(Binary::And, left, right) => {
            is_of_extents(left) && is_of_extents(right)
        }
        Expr::Unary(Unary::Not, operand) => is_of_extents(operand),
        Expr::Value(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Select(..)
        | Expr::MultiplyAdd(..)
        | Expr::Convert(..)
        | Expr::Bits(..)
        | Expr::Shift { .. }
        | Expr::Load(..) => false,
    }
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
        Statement::Sync
        | Statement::Mma(_)
        | Statement::Let { .. }
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
