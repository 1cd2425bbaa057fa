//! How far a right implementation may be from the evaluator.
//!
//! In: a graph and arguments.   Out: for every element of every result the value with an absolute error, or that nothing is known of it.
//!
//! A [`Bound`] holds what any implementation gives whose arithmetic is rounded correctly (or not at all, where it is fused),
//! whose other functions are within [`ELEMENTARY_ULPS`], and which adds in any order.
//! Values are computed in `f64`; errors grow by the rule of each function: interval ends for monotone ones, slopes for the others.
//! Where a decision (a comparison, a rounding, a conversion to an integer, a branch cut, an overflow) falls differently within the
//! error, the element is [`Bound::Unknown`], and so is what is computed from it.
//! The sign of a zero is not promised, so that dividing by zero is unknown as well.

mod arithmetic;
#[cfg(all(test, feature = "testing"))]
mod worst;

use std::cmp::Ordering;
use std::fmt;

use super::eval::walk::{Item, Tensor, place, walk};
use super::eval::{Value, bind};
use super::{Element, Graph, Scalar, print};

/// What an elementary function may be off, in units in the last place.
pub const ELEMENTARY_ULPS: f64 = 4.0;

/// What is known of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// An integer or `bool`.
    Exact(Scalar),
    /// A float within `error` of `value`; infinities and NaN have error 0 and are just that.
    Near {
        /// The element type.
        element: Element,
        /// The value in `f64`.
        value: f64,
        /// The largest distance from it.
        error: f64,
    },
    /// Nothing.
    Unknown,
}

/// A tensor of bounds.
#[derive(Clone, Debug)]
pub struct Bounded {
    /// The element type.
    pub element: Element,
    /// The extent of each axis.
    pub shape: Vec<usize>,
    /// The bound of each element, row-major.
    pub items: Vec<Bound>,
}

/// An element that is not within its bound, or a value of another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where it is; empty for a scalar or if the types differ.
    pub index: Vec<usize>,
    /// What was expected.
    pub expected: String,
    /// What was observed.
    pub observed: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, expected, observed } = self;
        write!(formatter, "at {index:?}: expected {expected}, found {observed}")
    }
}

/// The bounds of the results, or why there are none.
pub fn bounds(graph: &Graph, arguments: &[Value]) -> Result<Vec<Bounded>, String> {
    let symbols = bind(graph, arguments)?;
    let exact = |value: &Value| {
        let items = value.scalars().into_iter().map(Bound::constant).collect();
        Tensor::new(&value.shape, items)
    };
    let results = walk(graph, &symbols, arguments.iter().map(exact).collect())?;
    let bounded = results.into_iter().zip(&graph.results).map(|(tensor, result)| Bounded {
        element: graph.element(result.node),
        shape: tensor.shape,
        items: tensor.items,
    });
    Ok(bounded.collect())
}

impl Bounded {
    /// Whether an observed result is within the bounds.
    pub fn admits(&self, observed: &Value) -> Result<(), Mismatch> {
        if self.element != observed.element || self.shape != observed.shape {
            return Err(Mismatch {
                index: Vec::new(),
                expected: format!("{}{:?}", self.element, self.shape),
                observed: format!("{}{:?}", observed.element, observed.shape),
            });
        }
        let scalars = observed.scalars().into_iter();
        let differs = |(bound, scalar): (&Bound, Scalar)| !bound.admits(scalar);
        match self.items.iter().zip(scalars).position(differs) {
            None => Ok(()),
            Some(position) => Err(Mismatch {
                index: place(position, &self.shape),
                expected: self.items[position].to_string(),
                observed: print::scalar(observed.scalar(position)),
            }),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(scalar) => formatter.write_str(&print::scalar(*scalar)),
            Self::Near { element: _, value, error } => write!(formatter, "{value:?} ± {error:e}"),
            Self::Unknown => formatter.write_str("anything"),
        }
    }
}

impl Bound {
    /// Whether this element is within the bound.
    pub fn admits(&self, observed: Scalar) -> bool {
        match self {
            Self::Exact(scalar) => *scalar == observed,
            Self::Near { element: _, value, error: _ } if value.is_nan() => {
                observed.to_f64().is_nan()
            }
            Self::Near { element: _, value, error } => {
                let observed = observed.to_f64();
                // Infinities have no distance from themselves.
                observed.partial_cmp(value) == Some(Ordering::Equal)
                    || (observed - value).abs() <= *error
            }
            Self::Unknown => true,
        }
    }
}
