//! The elements one after the other, in row-major order of the indices.
//!
//! A contiguous tensor is walked as a slice.
//! Any other is walked by runs: along the last axis the place moves by one stride, and at its end an odometer moves the outer axes.

use std::iter::FusedIterator;
use std::slice;

use crate::element::Element;
use crate::tensor::Tensor;

/// The elements of a tensor in row-major order.
#[derive(Clone, Debug)]
pub struct Iter<'a, E, const RANK: usize>(Walk<'a, E, RANK>);

#[derive(Clone, Debug)]
enum Walk<'a, E, const RANK: usize> {
    Dense(slice::Iter<'a, E>),
    Strided(Strided<'a, E, RANK>),
}

#[derive(Clone, Debug)]
struct Strided<'a, E, const RANK: usize> {
    elements: &'a [E],
    shape: [usize; RANK],
    strides: [isize; RANK],
    index: [usize; RANK],
    place: usize,
    left: usize,
}

impl<'a, E, const RANK: usize> Strided<'a, E, RANK> {
    fn next(&mut self) -> Option<&'a E> {
        self.left = self.left.checked_sub(1)?;
        let element = &self.elements[self.place];
        for axis in (0..RANK).rev() {
            let stride = self.strides[axis];
            self.index[axis] += 1;
            if self.index[axis] < self.shape[axis] {
                self.place = self.place.wrapping_add_signed(stride);
                break;
            }
            let back = stride.wrapping_mul(self.index[axis].cast_signed() - 1);
            self.place = self.place.wrapping_add_signed(back.wrapping_neg());
            self.index[axis] = 0;
        }
        Some(element)
    }
}

impl<'a, E, const RANK: usize> Iterator for Iter<'a, E, RANK> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        match &mut self.0 {
            Walk::Dense(elements) => elements.next(),
            Walk::Strided(elements) => elements.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Dense(elements) => elements.len(),
            Walk::Strided(elements) => elements.left,
        };
        (left, Some(left))
    }
}

impl<E, const RANK: usize> ExactSizeIterator for Iter<'_, E, RANK> {}
impl<E, const RANK: usize> FusedIterator for Iter<'_, E, RANK> {}

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// The elements in row-major order.
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, E, RANK> {
        Iter(match self.as_slice() {
            Some(elements) => Walk::Dense(elements.iter()),
            None => Walk::Strided(Strided {
                elements: self.storage.as_slice(),
                shape: self.shape,
                strides: self.strides,
                index: [0; RANK],
                place: self.offset,
                left: self.len(),
            }),
        })
    }
}

impl<'a, E: Element, const RANK: usize> IntoIterator for &'a Tensor<E, RANK> {
    type Item = &'a E;
    type IntoIter = Iter<'a, E, RANK>;

    fn into_iter(self) -> Iter<'a, E, RANK> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_tensors_are_walked_in_the_order_of_their_indices() {
        let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
        let view = x.transposed().reversed(0);
        assert_eq!(view.iter().len(), 6);
        assert_eq!(view.iter().copied().collect::<Vec<_>>(), [3, 6, 2, 5, 1, 4]);
        assert_eq!(x.iter().sum::<i32>(), 21);
        let mut end = view.iter();
        assert_eq!(end.by_ref().count(), 6);
        assert_eq!(end.next(), None);
    }
}
