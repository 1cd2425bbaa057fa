//! What an operation is whose operands are known: constants, choices that are made, and how large a number can be.
//!
//! In: an operation of constants, values and positions.   Out: what it is without being computed, if it is.
//!
//! ```text
//! eq(2, 3)                  false
//! select(false, %0, %1)     %1
//! min(%0, 5)                at most 5
//! ```
//!
//! Never here: arithmetic of floats.

use crate::graph::eval::scalar;
use crate::graph::{Binary, Element, Scalar};
use crate::loops::Expr;

/// What an operation is, if it need not be computed.
pub(super) fn folded(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Unary(function, operand) => {
            let operand = whole(operand)?;
            Some(Expr::Constant(scalar::unary(*function, operand)))
        }
        Expr::Binary(function, left, right) => binary(*function, left, right),
        Expr::Compare(comparison, left, right) => {
            let (left, right) = (constant(left)?, constant(right)?);
            Some(Expr::Constant(scalar::compare(*comparison, left, right)))
        }
        Expr::Select(condition, then, otherwise) => match constant(condition) {
            Some(condition) if condition.bits != 0 => Some((**then).clone()),
            Some(_) => Some((**otherwise).clone()),
            None => (then == otherwise).then(|| (**then).clone()),
        },
        Expr::Convert(element, operand) => {
            let operand = whole(operand)?;
            Some(Expr::Constant(scalar::convert(*element, operand)))
        }
        Expr::Constant(_) | Expr::Value(_) | Expr::Position { .. } => Some(expr.clone()),
        Expr::Register(_)
        | Expr::Combine(..)
        | Expr::MultiplyAdd(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Load(..) => None,
    }
}

fn constant(expr: &Expr) -> Option<Scalar> {
    if let Expr::Constant(scalar) = expr { Some(*scalar) } else { None }
}

/// A constant that is no float.
fn whole(expr: &Expr) -> Option<Scalar> {
    constant(expr).filter(|scalar| !scalar.element.is_float())
}

fn binary(function: Binary, left: &Expr, right: &Expr) -> Option<Expr> {
    let (a, b) = (whole(left), whole(right));
    if let (Some(a), Some(b)) = (a, b) {
        return Some(Expr::Constant(scalar::binary(function, a, b)));
    }
    let same = left == right;
    match (function, a, b) {
        (Binary::And | Binary::Or, _, _) if same => Some(left.clone()),
        (Binary::And, Some(a), _) => logic(a, right, false),
        (Binary::And, _, Some(b)) => logic(b, left, false),
        (Binary::Or, Some(a), _) => logic(a, right, true),
        (Binary::Or, _, Some(b)) => logic(b, left, true),
        (Binary::Add, Some(zero), _) if zero.bits == 0 => Some(right.clone()),
        (Binary::Add | Binary::Sub, _, Some(zero)) if zero.bits == 0 => Some(left.clone()),
        (Binary::Mul, Some(one), _) if one.to_i64() == 1 => Some(right.clone()),
        (Binary::Mul, _, Some(one)) if one.to_i64() == 1 => Some(left.clone()),
        _ => None,
    }
}

/// `and` with a truth value, or `or`, which one of the two decides.
fn logic(known: Scalar, other: &Expr, decides: bool) -> Option<Expr> {
    if known.element != Element::Bool {
        return None;
    }
    Some(if (known.bits != 0) == decides { Expr::Constant(known) } else { other.clone() })
}

/// The smallest and the largest number that an `i64` can be.
pub(super) type Bounds = (i64, i64);

/// All numbers.
pub(super) const ALL: Bounds = (i64::MIN, i64::MAX);

/// How large the result of an operation on `i64` can be; `of` tells it of values.
pub(super) fn bounds(expr: &Expr, of: &dyn Fn(&Expr) -> Bounds) -> Bounds {
    match expr {
        Expr::Constant(scalar) if scalar.element == Element::I64 => {
            (scalar.to_i64(), scalar.to_i64())
        }
        Expr::Value(_) => of(expr),
        Expr::Binary(Binary::Min, left, right) => {
            let (left, right) = (bounds(left, of), bounds(right, of));
            (left.0.min(right.0), left.1.min(right.1))
        }
        Expr::Binary(Binary::Max, left, right) => {
            let (left, right) = (bounds(left, of), bounds(right, of));
            (left.0.max(right.0), left.1.max(right.1))
        }
        Expr::Select(_, then, otherwise) => {
            let (then, otherwise) = (bounds(then, of), bounds(otherwise, of));
            (then.0.min(otherwise.0), then.1.max(otherwise.1))
        }
        Expr::Constant(_)
        | Expr::Register(_)
        | Expr::Combine(..)
        | Expr::Position { .. }
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::Compare(..)
        | Expr::MultiplyAdd(..)
        | Expr::Bits(_)
        | Expr::Shift { .. }
        | Expr::Convert(..)
        | Expr::Load(..) => ALL,
    }
}
