//! To and from the arrays of the `ndarray` crate.
//!
//! An owned array becomes a tensor without a copy whatever its layout, since a tensor has strides too.
//! A tensor becomes an array without a copy if it sees, alone, a vector from its beginning on.
//! A tensor is seen as an `ArrayView` without a copy always.

use ndarray::{Array, ArrayView, Axis, Dim, Dimension, IntoDimension, ShapeBuilder};

use crate::element::Element;
use crate::storage::{Shared, Storage};
use crate::tensor::Tensor;

impl<E: Element, const RANK: usize> From<Array<E, Dim<[usize; RANK]>>> for Tensor<E, RANK>
where
    Dim<[usize; RANK]>: Dimension,
{
    fn from(array: Array<E, Dim<[usize; RANK]>>) -> Self {
        let shape = std::array::from_fn(|axis| array.shape()[axis]);
        let strides = std::array::from_fn(|axis| array.strides()[axis]);
        let (elements, offset) = array.into_raw_vec_and_offset();
        let storage = Shared::new(Storage::Adopted(elements));
        Self { storage, offset: offset.unwrap_or(0), shape, strides }
    }
}

impl<E: Element, const RANK: usize> From<ArrayView<'_, E, Dim<[usize; RANK]>>> for Tensor<E, RANK>
where
    Dim<[usize; RANK]>: Dimension,
{
    fn from(view: ArrayView<'_, E, Dim<[usize; RANK]>>) -> Self {
        let shape = std::array::from_fn(|axis| view.shape()[axis]);
        Self::row_major(shape, Storage::collect(view.len(), view.iter().copied()))
    }
}

impl<E: Element, const RANK: usize> From<Tensor<E, RANK>> for Array<E, Dim<[usize; RANK]>>
where
    Dim<[usize; RANK]>: Dimension,
    [usize; RANK]: IntoDimension<Dim = Dim<[usize; RANK]>>,
{
    fn from(tensor: Tensor<E, RANK>) -> Self {
        let (lowest, strides) = tensor.ascending();
        let (shape, falling) = (tensor.shape, tensor.strides.map(|stride| stride < 0));
        if lowest != 0 || tensor.is_contiguous() || tensor.is_empty() {
            return Self::from_shape_vec(shape, tensor.into_vec())
                .expect("the vector has the elements of the shape");
        }
        match tensor.into_adopted() {
            Ok(elements) => {
                let array = Self::from_shape_vec(
                    shape.into_dimension().strides(strides.into_dimension()),
                    elements,
                );
                let mut array = array.expect("the strides of a tensor stay inside its elements");
                (0..RANK)
                    .filter(|&axis| falling[axis])
                    .for_each(|axis| array.invert_axis(Axis(axis)));
                array
            }
            Err(tensor) => Self::from_shape_vec(shape, tensor.to_vec())
                .expect("the vector has the elements of the shape"),
        }
    }
}

impl<'a, E: Element, const RANK: usize> From<&'a Tensor<E, RANK>>
    for ArrayView<'a, E, Dim<[usize; RANK]>>
where
    Dim<[usize; RANK]>: Dimension,
    [usize; RANK]: IntoDimension<Dim = Dim<[usize; RANK]>>,
{
    fn from(tensor: &'a Tensor<E, RANK>) -> Self {
        if tensor.is_empty() {
            return ArrayView::from_shape(tensor.shape, &[])
                .expect("an empty shape needs no elements");
        }
        let (lowest, strides) = tensor.ascending();
        let elements = &tensor.storage.as_slice()[lowest..];
        let shape = tensor.shape.into_dimension().strides(strides.into_dimension());
        let mut view = ArrayView::from_shape(shape, elements)
            .expect("the strides of a tensor stay inside its elements");
        let falling = (0..RANK).filter(|&axis| tensor.strides[axis] < 0);
        falling.for_each(|axis| view.invert_axis(Axis(axis)));
        view
    }
}

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// The lowest place of an element, and the strides without their signs.
    ///
    /// `ndarray` takes negative strides only as an axis inverted afterwards.
    fn ascending(&self) -> (usize, [usize; RANK]) {
        let mut lowest = self.offset;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            if stride < 0 {
                let span = extent.saturating_sub(1).cast_signed().wrapping_mul(stride);
                lowest = lowest.wrapping_add_signed(span);
            }
        }
        (lowest, self.strides.map(isize::unsigned_abs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn arrays_of_any_layout_become_tensors_without_a_copy() {
        let mut array = array![[1, 2, 3], [4, 5, 6]].reversed_axes();
        array.invert_axis(Axis(0));
        let address = array.as_ptr();
        let tensor = Tensor::from(array);
        assert_eq!(std::ptr::from_ref(&tensor[[0, 0]]), address);
        assert_eq!(tensor, Tensor::from([[3, 6], [2, 5], [1, 4]]));
    }

    #[test]
    fn tensors_become_arrays_without_a_copy_where_they_own_a_vector() {
        let vector = vec![1, 2, 3, 4, 5, 6];
        let address = vector.as_ptr();
        let tensor = Tensor::from_vec([2, 3], vector).unwrap().transposed();
        let array = Array2::from(tensor);
        assert_eq!(array.as_ptr(), address);
        assert_eq!(array, array![[1, 4], [2, 5], [3, 6]]);
        let reversed = Tensor::from(array).reversed(0).reversed(1);
        let array = Array2::from(reversed);
        assert_eq!(array.as_ptr(), address.wrapping_add(5));
        assert_eq!(array, array![[6, 3], [5, 2], [4, 1]]);
    }

    #[test]
    fn other_tensors_become_arrays_by_a_copy() {
        let tensor = Tensor::from([[1, 2], [3, 4]]);
        assert_eq!(Array2::from(tensor.slice(1, 1..)), array![[2], [4]]);
        assert_eq!(
            Array2::from(Tensor::<u8, 2>::zeros([0, 3]).reversed(0)),
            Array2::<u8>::zeros((0, 3))
        );
        assert_eq!(Tensor::from(Array2::<u8>::zeros((3, 0))).shape(), [3, 0]);
    }

    #[test]
    fn views_go_both_ways() {
        let tensor = Tensor::from([[1, 2, 3], [4, 5, 6]]);
        let strided = tensor.step(1, 2).reversed(1).reversed(0);
        let view = ArrayView::from(&strided);
        assert_eq!(view, array![[6, 4], [3, 1]]);
        assert_eq!(Tensor::from(view), strided);
        assert_eq!(ArrayView::from(&tensor.slice(0, 2..)).shape(), [0, 3]);
    }
}
