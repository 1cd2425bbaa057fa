//! Numbers as written: exact until they meet a type (R25).

use super::{Result, Tensor};
use crate::diagnostic::catalogue::ElementMistake;
use crate::graph::build::Builder;
use crate::graph::{Comparison, Element, ElementKind, Scalar};

/// A number without a type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// A whole number: may become any number.
    Integer(i128),
    /// Written with a point or an exponent: may become a float.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

impl std::fmt::Display for Literal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::Bool(value) => write!(formatter, "{value}"),
        }
    }
}

/// The literal as a scalar of `element`.
pub fn literal(b: &mut Builder, value: &Literal, element: Element) -> Result<Tensor> {
    let scalar = scalar(value, element)?;
    Ok(Tensor::scalar(b.constant(scalar)))
}

fn scalar(value: &Literal, element: Element) -> Result<Scalar> {
    let range = || ElementMistake::LiteralRange {
        literal: value.to_string(),
        element: element.name().to_owned(),
    };
    match (value, element.kind()) {
        (Literal::Bool(truth), ElementKind::Bool) => {
            Ok(Scalar::from_i64(element, i64::from(*truth)))
        }
        (Literal::Bool(_), _) | (_, ElementKind::Bool) => {
            Err(ElementMistake::BoolLiteral { literal: value.to_string() }.into())
        }
        (Literal::Integer(whole), ElementKind::Float) => {
            let scalar = Scalar::from_f64(element, *whole as f64);
            if scalar.to_f64().is_finite() { Ok(scalar) } else { Err(range().into()) }
        }
        (Literal::Integer(whole), ElementKind::Signed | ElementKind::Unsigned) => {
            let same = |scalar: Scalar| whole_of(scalar) == *whole;
            let narrow = i64::try_from(*whole).map(|whole| Scalar::from_i64(element, whole));
            let wide = || u64::try_from(*whole).map(|whole| Scalar::from_u64(element, whole));
            let scalar = narrow.or_else(|_| wide()).map_err(|_| range())?;
            if same(scalar) { Ok(scalar) } else { Err(range().into()) }
        }
        (Literal::Float(number), ElementKind::Float) => {
            let scalar = Scalar::from_f64(element, *number);
            if scalar.to_f64().is_finite() || !number.is_finite() {
                return Ok(scalar);
            }
            Err(range().into())
        }
        (Literal::Float(_), ElementKind::Signed | ElementKind::Unsigned) => {
            Err(ElementMistake::FloatLiteral {
                literal: value.to_string(),
                element: element.name().to_owned(),
            }
            .into())
        }
    }
}

/// An integer, without the loss that 64 bits with a sign have.
fn whole_of(scalar: Scalar) -> i128 {
    match scalar.element.kind() {
        ElementKind::Unsigned => i128::from(scalar.bits),
        ElementKind::Float | ElementKind::Signed | ElementKind::Bool => i128::from(scalar.to_i64()),
    }
}

impl Literal {
    /// The negative.
    pub fn negated(self) -> Option<Self> {
        match self {
            Self::Integer(value) => Some(Self::Integer(value.checked_neg()?)),
            Self::Float(value) => Some(Self::Float(-value)),
            Self::Bool(_) => None,
        }
    }

    /// Whole, if it is.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => i64::try_from(value).ok(),
            Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// As a float, if it is a number.
    pub fn as_float(self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Bool(_) => None,
        }
    }

    /// Both compared, if both are numbers or both truth values.
    pub fn compare(self, comparison: Comparison, other: Self) -> Option<bool> {
        let order = match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(&right)),
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(&right)),
            (left, right) => left.as_float()?.partial_cmp(&right.as_float()?),
        };
        Some(match comparison {
            Comparison::Eq => order.is_some_and(std::cmp::Ordering::is_eq),
            Comparison::Ne => order.is_none_or(std::cmp::Ordering::is_ne),
            Comparison::Lt => order.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::Le => order.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Gt => order.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::Ge => order.is_some_and(std::cmp::Ordering::is_ge),
        })
    }
}
