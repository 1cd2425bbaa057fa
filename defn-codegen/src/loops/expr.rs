//! Scalar expressions.

use super::{Address, BufferId, VariableId};
use crate::graph::{Binary, Combine, Comparison, Dim, Element, Scalar, Unary};

/// A named value; unique in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// A register; unique in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterId(pub u32);

/// What one element is computed as. The meaning of the functions is that of [`crate::graph::op`],
/// rounded as `crate::math` writes them down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expr {
    /// A scalar.
    Constant(Scalar),
    /// A named value.
    Value(ValueId),
    /// The content of a register; of the part of the lane, if it has parts.
    Register(RegisterId),
    /// The fold of all parts of a register.
    Combine(Combine, RegisterId),
    /// An affine position as `i64`: `constant + Σ coefficient · variable`.
    Position {
        /// What no variable changes.
        constant: Dim,
        /// Sorted by variable, no coefficient zero.
        terms: Vec<(VariableId, Dim)>,
    },
    /// A function of one operand.
    Unary(Unary, Box<Expr>),
    /// A function of two operands of one type.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// A comparison; the result is `bool`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Condition, then, else. All three are evaluated.
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
    /// a · b + c, rounded once; for integers, wrapping.
    MultiplyAdd(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The bits of a float as a signed integer of its size, or of such an integer as a float.
    Bits(Box<Expr>),
    /// The operand in the lane `by` places below; where there is none, the scalar. Inside lanes only.
    Shift {
        /// How far.
        by: u32,
        /// What the lowest lanes get.
        fill: Scalar,
        /// What is moved.
        operand: Box<Expr>,
    },
    /// Rust's `as`.
    Convert(Element, Box<Expr>),
    /// An element of a buffer.
    Load(BufferId, Box<Address>),
}

impl Expr {
    /// The other element type that stands for the bits of this one; none of what is not signed.
    pub fn bits_of(element: Element) -> Option<Element> {
        match element {
            Element::F32 => Some(Element::I32),
            Element::F64 => Some(Element::I64),
            Element::I32 => Some(Element::F32),
            Element::I64 => Some(Element::F64),
            Element::F16
            | Element::Bf16
            | Element::U32
            | Element::U64
            | Element::U8
            | Element::Bool => None,
        }
    }
}
