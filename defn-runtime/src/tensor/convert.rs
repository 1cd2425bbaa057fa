//! From tensors back to what Rust has.

use crate::element::Element;
use crate::tensor::Tensor;

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// The elements in row-major order.
    ///
    /// Nothing is copied if this tensor is all of a vector that it was made from, and shares it with nobody.
    #[must_use]
    #[track_caller]
    pub fn into_vec(self) -> Vec<E> {
        if !self.is_contiguous() || self.offset != 0 {
            return self.to_vec();
        }
        let length = self.len();
        match self.into_adopted() {
            Ok(mut elements) => {
                elements.truncate(length);
                elements
            }
            Err(tensor) => tensor.to_vec(),
        }
    }

    /// The vector under this tensor, if there is one that nobody else sees.
    pub(super) fn into_adopted(self) -> Result<Vec<E>, Self> {
        let Self { storage, offset, shape, strides } = self;
        storage.into_adopted().map_err(|storage| Self { storage, offset, shape, strides })
    }
}

impl<E: Element, const RANK: usize> From<Tensor<E, RANK>> for Vec<E> {
    fn from(tensor: Tensor<E, RANK>) -> Self {
        tensor.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_back_without_a_copy() {
        let vector = vec![1, 2, 3, 4];
        let address = vector.as_ptr();
        let x = Tensor::from_vec([2, 2], vector).unwrap();
        assert_eq!(x.transposed().into_vec(), [1, 3, 2, 4]);
        assert_eq!(x.slice(0, 1..).into_vec(), [3, 4]);
        let first = x.slice(0, ..1);
        drop(x);
        let back = first.into_vec();
        assert_eq!((back.as_ptr(), back.as_slice()), (address, &[1, 2][..]));
        assert_eq!(Tensor::from([5, 6]).into_vec(), [5, 6]);
    }
}
