//! How tensors come to be.
//!
//! In:  a shape and elements, or one of the forms Rust already has (nested arrays, vectors, scalars).
//! Out: a row-major [`Tensor`].

use crate::element::Element;
use crate::error::{Error, ShapeMismatch};
use crate::shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// A tensor of the elements of `elements` in row-major order, which are not copied.
    ///
    /// # Errors
    /// The shape must have as many elements as the vector.
    pub fn from_vec(shape: [usize; RANK], elements: Vec<E>) -> Result<Self, Error> {
        fits(&shape, elements.len())?;
        Ok(Self::row_major(shape, Storage::Adopted(elements)))
    }

    /// A tensor of a copy of `elements`, which stand in row-major order.
    ///
    /// # Errors
    /// The shape must have as many elements as the slice.
    pub fn from_slice(shape: [usize; RANK], elements: &[E]) -> Result<Self, Error> {
        fits(&shape, elements.len())?;
        Ok(Self::row_major(shape, Storage::collect(elements.len(), elements.iter().copied())))
    }

    /// A tensor with the same value everywhere.
    ///
    /// # Panics
    /// If the shape has more elements than memory could hold.
    #[must_use]
    #[track_caller]
    pub fn full(shape: [usize; RANK], value: E) -> Self {
        let length = length(&shape);
        Self::row_major(shape, Storage::collect(length, std::iter::repeat_n(value, length)))
    }

    /// A tensor of zeros; of `false`, if the elements are `bool`.
    ///
    /// # Panics
    /// If the shape has more elements than memory could hold.
    #[must_use]
    #[track_caller]
    pub fn zeros(shape: [usize; RANK]) -> Self {
        Self::row_major(shape, Storage::zeroed(length(&shape)))
    }

    /// A tensor of ones; of `true`, if the elements are `bool`.
    ///
    /// # Panics
    /// If the shape has more elements than memory could hold.
    #[must_use]
    #[track_caller]
    pub fn ones(shape: [usize; RANK]) -> Self {
        Self::full(shape, E::ONE)
    }

    /// A tensor whose element at each index is what `element` makes of the index, asked in row-major order.
    ///
    /// # Panics
    /// If the shape has more elements than memory could hold.
    #[must_use]
    #[track_caller]
    pub fn from_fn(shape: [usize; RANK], mut element: impl FnMut([usize; RANK]) -> E) -> Self {
        let mut index = [0; RANK];
        let elements = std::iter::from_fn(|| {
            let value = element(index);
            advance(&mut index, &shape);
            Some(value)
        });
        Self::row_major(shape, Storage::collect(length(&shape), elements))
    }
}

/// Moves `index` to its successor in row-major order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (position, &extent) in index.iter_mut().zip(shape).rev() {
        *position += 1;
        if *position < extent {
            return;
        }
        *position = 0;
    }
}

/// The number of elements of a shape that the caller answers for.
#[track_caller]
fn length(shape: &[usize]) -> usize {
    match shape::length(shape) {
        Some(length) => length,
        None => panic!("a tensor of shape {shape:?} has more elements than memory could hold"),
    }
}

/// Whether `shape` has exactly `elements` elements.
pub(super) fn fits(shape: &[usize], elements: usize) -> Result<(), Error> {
    if shape::length(shape) == Some(elements) {
        return Ok(());
    }
    Err(Error::ShapeMismatch(Box::new(ShapeMismatch { shape: shape.to_vec(), elements })))
}

impl<E: Element> From<E> for Tensor<E, 0> {
    fn from(value: E) -> Self {
        Self::full([], value)
    }
}

impl<E: Element> From<Vec<E>> for Tensor<E, 1> {
    /// Takes the vector over without copying it.
    fn from(elements: Vec<E>) -> Self {
        Self::row_major([elements.len()], Storage::Adopted(elements))
    }
}

impl<E: Element> From<&[E]> for Tensor<E, 1> {
    fn from(elements: &[E]) -> Self {
        Self::row_major(
            [elements.len()],
            Storage::collect(elements.len(), elements.iter().copied()),
        )
    }
}

/// Writes one conversion: the rank, the extents of the array from the outside, the array's type, and its element at `i`.
macro_rules! from_arrays {
    ($($rank:literal [$($extent:ident)*] $array:ty, $i:ident => $element:expr;)*) => { $(
        impl<E: Element, $(const $extent: usize),*> From<$array> for Tensor<E, $rank> {
            fn from(array: $array) -> Self {
                Self::from_fn([$($extent),*], |$i| ($element)(&array))
            }
        }
    )* };
}

from_arrays! {
    1 [A] [E; A], i => |x: &[E; A]| x[i[0]];
    2 [A B] [[E; B]; A], i => |x: &[[E; B]; A]| x[i[0]][i[1]];
    3 [A B C] [[[E; C]; B]; A], i => |x: &[[[E; C]; B]; A]| x[i[0]][i[1]][i[2]];
    4 [A B C D] [[[[E; D]; C]; B]; A], i => |x: &[[[[E; D]; C]; B]; A]| x[i[0]][i[1]][i[2]][i[3]];
    5 [A B C D F] [[[[[E; F]; D]; C]; B]; A], i => |x: &[[[[[E; F]; D]; C]; B]; A]| x[i[0]][i[1]][i[2]][i[3]][i[4]];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_adopted_and_slices_copied() {
        let vector = vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let address = vector.as_ptr();
        let x = Tensor::from_vec([2, 3], vector).unwrap();
        assert_eq!(x.as_slice().unwrap().as_ptr(), address);
        assert_eq!(x.get([1, 2]), Some(&6.0));
        assert_eq!(x, Tensor::from_slice([2, 3], &x.to_vec()).unwrap());
        let error = Tensor::from_vec([2, 2], vec![1u8]).unwrap_err();
        assert!(matches!(error, Error::ShapeMismatch(_)));
    }

    #[test]
    fn filled_tensors() {
        assert_eq!(Tensor::full([2], 7i64).to_vec(), [7, 7]);
        assert_eq!(Tensor::<bool, 1>::ones([2]).to_vec(), [true, true]);
        assert_eq!(Tensor::<u8, 0>::zeros([]).item(), 0);
        assert_eq!(
            Tensor::from_fn([2, 3], |[i, j]| (10 * i + j) as i32).to_vec(),
            [0, 1, 2, 10, 11, 12]
        );
        assert_eq!(Tensor::<f32, 3>::ones([2, 0, 3]).len(), 0);
        assert_eq!(Tensor::from_fn([0, 3], |_| 1u8).shape(), [0, 3]);
    }

    #[test]
    fn nested_arrays_and_scalars() {
        assert_eq!(Tensor::from(2.5f32).to_vec(), [2.5]);
        assert_eq!(Tensor::from([1, 2]).shape(), [2]);
        assert_eq!(Tensor::from([[1.0], [2.0]]).shape(), [2, 1]);
        assert_eq!(Tensor::from([[[1u8; 4]; 3]; 2]).shape(), [2, 3, 4]);
        assert_eq!(Tensor::from([[[[1u8; 4]; 3]; 2]; 0]).shape(), [0, 2, 3, 4]);
        assert_eq!(Tensor::from([[[[[true; 1]; 4]; 3]; 2]; 1]).shape(), [1, 2, 3, 4, 1]);
        assert_eq!(Tensor::from(vec![1i64, 2]).shape(), [2]);
    }

    #[test]
    fn impossible_shapes_panic_with_the_shape() {
        let panic =
            std::panic::catch_unwind(|| Tensor::<u8, 2>::zeros([usize::MAX, 2])).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(
            text.starts_with("a tensor of shape [18446744073709551615, 2] has more elements"),
            "{text}"
        );
    }
}
