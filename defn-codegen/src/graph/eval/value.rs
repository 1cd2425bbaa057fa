//! A tensor with its elements: what goes into an evaluation and what comes out.

use std::fmt;

use crate::graph::{Element, Scalar, print};

/// A tensor of any element type, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The element type.
    pub element: Element,
    /// The extent of each axis.
    pub shape: Vec<usize>,
    /// The bits of each element, zero-extended to 64, as in [`Scalar`].
    pub data: Vec<u64>,
}

impl Value {
    /// A tensor of one element without axes.
    pub fn of(scalar: Scalar) -> Self {
        Self { element: scalar.element, shape: Vec::new(), data: vec![scalar.bits] }
    }

    /// A scalar, converted as by Rust's `as`.
    pub fn number(element: Element, number: f64) -> Self {
        Self::of(Scalar::from_f64(element, number))
    }

    /// Zeros.
    pub fn zeros(element: Element, shape: &[usize]) -> Self {
        Self { element, shape: shape.to_vec(), data: vec![0; shape.iter().product()] }
    }

    /// Elements converted as by Rust's `as`; as many as the shape has.
    pub fn from_f64(element: Element, shape: &[usize], numbers: &[f64]) -> Self {
        let bits = |number: &f64| Scalar::from_f64(element, *number).bits;
        Self::from_bits(element, shape, numbers.iter().map(bits).collect())
    }

    /// Elements converted as by Rust's `as`; as many as the shape has.
    pub fn from_i64(element: Element, shape: &[usize], numbers: &[i64]) -> Self {
        let bits = |number: &i64| Scalar::from_i64(element, *number).bits;
        Self::from_bits(element, shape, numbers.iter().map(bits).collect())
    }

    /// Elements by their bits; as many as the shape has.
    pub fn from_bits(element: Element, shape: &[usize], data: Vec<u64>) -> Self {
        assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "as many elements as the shape has"
        );
        Self { element, shape: shape.to_vec(), data }
    }

    /// The element at a row-major position.
    pub fn scalar(&self, position: usize) -> Scalar {
        Scalar { element: self.element, bits: self.data[position] }
    }

    /// All elements in row-major order.
    pub fn scalars(&self) -> Vec<Scalar> {
        (0..self.data.len()).map(|position| self.scalar(position)).collect()
    }

    /// All elements in row-major order, exact but for `i64`.
    pub fn to_f64(&self) -> Vec<f64> {
        self.scalars().into_iter().map(Scalar::to_f64).collect()
    }

    /// All elements in row-major order, floats converted as by Rust's `as`.
    pub fn to_i64(&self) -> Vec<i64> {
        self.scalars().into_iter().map(Scalar::to_i64).collect()
    }

    fn nested(&self, formatter: &mut fmt::Formatter<'_>, axis: usize, at: usize) -> fmt::Result {
        if axis == self.shape.len() {
            return formatter.write_str(&print::scalar(self.scalar(at)));
        }
        let below: usize = self.shape[axis + 1..].iter().product();
        formatter.write_str("[")?;
        for position in 0..self.shape[axis] {
            formatter.write_str(if position == 0 { "" } else { ", " })?;
            self.nested(formatter, axis + 1, at + position * below)?;
        }
        formatter.write_str("]")
    }
}

/// Nested lists: `[[1.0, 2.0], [3.0, 4.0]]`; without elements `zeros[0, 3]`.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.data.is_empty() {
            return write!(formatter, "zeros{:?}", self.shape);
        }
        self.nested(formatter, 0, 0)
    }
}
