//! What it costs to compute a value again, by its operation: one table for all who weigh that against keeping it.
//!
//! ```text
//! exp x          Dear       is kept rather than computed again
//! neg x          Follows    wherever `x` is
//! broadcast x    Grows      is more to read than `x`
//! ```

use super::{Binary, Op, Unary};

/// What it costs to compute a value again, beside reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cost {
    /// More than reading it.
    Dear,
    /// As cheap as reading it.
    Follows,
    /// Cheap, and more to read than what it is made of.
    Grows,
}

impl Cost {
    /// What an operation costs.
    pub(crate) fn of(op: &Op) -> Self {
        match op {
            Op::Unary(
                Unary::Neg
                | Unary::Abs
                | Unary::Sign
                | Unary::Not
                | Unary::Floor
                | Unary::Ceil
                | Unary::Round
                | Unary::StopGrad,
            ) => Self::Follows,
            Op::Unary(_) => Self::Dear,
            Op::Binary(Binary::Pow | Binary::Atan2 | Binary::Rem) => Self::Dear,
            Op::Contract { contracted: 0, .. } => Self::Grows,
            Op::OverlapAdd(_)
            | Op::AddAt { .. }
            | Op::Scan { .. }
            | Op::Sort { .. }
            | Op::Argsort { .. }
            | Op::Reduce { .. }
            | Op::Contract { .. }
            | Op::Project(_) => Self::Dear,
            Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Implicit(_)
            | Op::Reverse { .. } => Self::Follows,
            // What runs bodies costs what its bodies do.
            Op::Parameter(_)
            | Op::Constant(_)
            | Op::Extent(_)
            | Op::Iota { .. }
            | Op::Broadcast { .. }
            | Op::Pad { .. }
            | Op::Window(_)
            | Op::Concat { .. }
            | Op::Take { .. }
            | Op::Call { .. }
            | Op::Branch(_)
            | Op::Repeat(_)
            | Op::Inspect(_) => Self::Grows,
        }
    }
}
