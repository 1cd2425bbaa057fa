//! One element, by its index.

use std::ops::{Index, IndexMut};

use crate::element::Element;
use crate::tensor::Tensor;

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// The element at `index`, if the index lies inside the shape.
    #[must_use]
    #[track_caller]
    pub fn get(&self, index: [usize; RANK]) -> Option<&E> {
        self.place(index).map(|place| &self.storage.as_slice()[place])
    }

    /// Where the element at `index` lies in the storage.
    fn place(&self, index: [usize; RANK]) -> Option<usize> {
        let mut place = self.offset;
        for ((&position, &extent), &stride) in index.iter().zip(&self.shape).zip(&self.strides) {
            if position >= extent {
                return None;
            }
            place = place.wrapping_add_signed(position.cast_signed().wrapping_mul(stride));
        }
        Some(place)
    }

    #[track_caller]
    fn sure_place(&self, index: [usize; RANK]) -> usize {
        match self.place(index) {
            Some(place) => place,
            None => panic!("index {index:?} is out of shape {:?}", self.shape),
        }
    }
}

impl<E: Element, const RANK: usize> Index<[usize; RANK]> for Tensor<E, RANK> {
    type Output = E;

    #[track_caller]
    fn index(&self, index: [usize; RANK]) -> &E {
        &self.storage.as_slice()[self.sure_place(index)]
    }
}

impl<E: Element, const RANK: usize> IndexMut<[usize; RANK]> for Tensor<E, RANK> {
    /// The element, to be changed; all elements are copied first if they are shared.
    #[track_caller]
    fn index_mut(&mut self, index: [usize; RANK]) -> &mut E {
        if self.storage.get_mut().is_none() {
            *self = self.copied();
        }
        let place = self.sure_place(index);
        let elements = self.storage.get_mut().expect("the storage is unique or was copied");
        &mut elements[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_outside_panics_with_the_shape() {
        let panic = std::panic::catch_unwind(|| Tensor::from([[1, 2]])[[0, 2]]).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "index [0, 2] is out of shape [1, 2]");
        assert_eq!(Tensor::from([[1, 2]]).get([1, 0]), None);
        assert_eq!(Tensor::from([[1, 2]]).get([0, 1]), Some(&2));
    }

    #[test]
    fn a_strided_tensor_alone_changes_in_place() {
        let mut x = Tensor::from([[1, 2], [3, 4]]).transposed();
        x[[0, 1]] = 9;
        assert!(!x.is_contiguous());
        assert_eq!(x.to_vec(), [1, 9, 2, 4]);
    }
}
