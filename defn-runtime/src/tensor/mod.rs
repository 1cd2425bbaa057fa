//! The tensor that users hold.
//!
//! A tensor is a window on shared elements: where its first element lies, how many there are along each axis, and how far apart.
//! Cloning and viewing share the elements; changing a tensor copies them first if someone else can see them.
//!
//! Afterwards: every index inside the shape reaches an element of the storage, and two indices never reach the same one.
//! Never here: arithmetic, which is the compiler's, and `unsafe`, which is [`storage`](crate::storage)'s.

mod create;
mod view;
mod index;
mod iter;
mod convert;
mod device;
mod display;
pub(crate) use display::contiguous;
#[cfg(feature = "ndarray")]
mod ndarray;

use crate::element::{Element, ElementKind, Float};
use crate::shape;
use crate::storage::{Shared, Storage};

pub use iter::Iter;

/// `RANK` axes of elements of type `E`.
///
/// ```
/// use defn_runtime::Tensor;
///
/// let x = Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.shape(), [2, 3]);
/// assert_eq!(x.transposed()[[2, 0]], 3.0);
/// assert_eq!(x.to_string(), "[[1. 2. 3.]\n [4. 5. 6.]]");
/// ```
///
/// A clone and a view share the elements, and both are cheap.
/// A change is never seen by another tensor: the elements are copied first if they are shared.
#[derive(Clone)]
pub struct Tensor<E: Element, const RANK: usize> {
    storage: Shared<E>,
    offset: usize,
    shape: [usize; RANK],
    strides: [isize; RANK],
}

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// A row-major tensor over all of `storage`.
    #[inline]
    pub(crate) fn row_major(shape: [usize; RANK], storage: Storage<E>) -> Self {
        let storage = Shared::new(storage);
        debug_assert_eq!(shape::length(&shape), Some(storage.as_slice().len()));
        Self { storage, offset: 0, shape, strides: shape::row_major(&shape) }
    }

    /// How many elements there are along each axis.
    #[must_use]
    pub fn shape(&self) -> [usize; RANK] {
        self.shape
    }

    /// The same, for as long as the tensor is borrowed.
    pub(crate) fn extents(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements apart two neighbours of each axis lie in memory.
    #[must_use]
    pub fn strides(&self) -> [isize; RANK] {
        self.strides
    }

    /// The name of the element type.
    #[must_use]
    pub fn element(&self) -> ElementKind {
        E::KIND
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Whether the elements lie side by side in row-major order.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        shape::is_row_major(&self.shape, &self.strides)
    }

    /// The elements in row-major order, if they lie so in memory.
    ///
    /// # Panics
    /// If they are on a [device](Self::device), as everything panics that looks at elements.
    #[must_use]
    #[track_caller]
    pub fn as_slice(&self) -> Option<&[E]> {
        if !self.is_contiguous() {
            return None;
        }
        let length = self.len();
        if length == 0 {
            return Some(&[]);
        }
        Some(&self.storage.as_slice()[self.offset..self.offset + length])
    }

    /// The elements in row-major order, to be changed.
    ///
    /// They are copied first if they are shared, or if they do not lie in this order.
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [E] {
        self.own();
        self.own_parts().1
    }

    /// Makes the elements contiguous and this tensor's alone.
    #[track_caller]
    fn own(&mut self) {
        if self.storage.get_mut().is_none() || !self.is_contiguous() {
            *self = self.copied();
        }
    }

    /// The shape, and the elements after [`own`](Self::own).
    fn own_parts(&mut self) -> (&[usize], &mut [E]) {
        let length = self.shape.iter().product::<usize>();
        let storage = self.storage.get_mut().expect("`own` has made the storage unique");
        let start = if length == 0 { 0 } else { self.offset };
        (&self.shape, &mut storage[start..start + length])
    }

    /// The shape and all elements to be changed, for as long as the tensor is borrowed.
    pub(crate) fn parts_mut(&mut self) -> (&[usize], &mut [E]) {
        self.own();
        self.own_parts()
    }

    /// The same elements in storage of their own, row-major and aligned, on the same device.
    #[must_use]
    #[track_caller]
    pub fn copied(&self) -> Self {
        if self.storage.remote().is_some() {
            return match self.copied_there() {
                Ok(copy) => copy,
                Err(error) => panic!("{error}"),
            };
        }
        Self::row_major(self.shape, self.packed())
    }

    /// The elements in row-major order in storage of their own.
    #[track_caller]
    pub(crate) fn packed(&self) -> Storage<E> {
        match self.as_slice() {
            Some(elements) => Storage::collect(elements.len(), elements.iter().copied()),
            None => Storage::collect(self.len(), self.iter().copied()),
        }
    }

    /// This tensor if it is contiguous, or else a contiguous copy.
    #[must_use]
    #[track_caller]
    pub fn contiguous(&self) -> Self {
        if self.is_contiguous() { self.clone() } else { self.copied() }
    }

    /// The elements in row-major order.
    #[must_use]
    #[track_caller]
    pub fn to_vec(&self) -> Vec<E> {
        match self.as_slice() {
            Some(elements) => elements.to_vec(),
            None => self.iter().copied().collect(),
        }
    }

    /// Each element replaced by what `change` makes of it.
    #[must_use]
    #[track_caller]
    pub fn map<F: Element>(&self, mut change: impl FnMut(E) -> F) -> Tensor<F, RANK> {
        let elements = self.iter().map(|&element| change(element));
        Tensor::row_major(self.shape, Storage::collect(self.len(), elements))
    }

    /// Each element converted by the rules of `as`; a `bool` asks whether the element differs from zero.
    #[must_use]
    #[track_caller]
    pub fn cast<F: Element>(&self) -> Tensor<F, RANK> {
        self.map(|element| F::cast_from(element.value()))
    }
}

impl<E: Element> Tensor<E, 0> {
    /// The only element.
    #[must_use]
    #[track_caller]
    pub fn item(&self) -> E {
        self[[]]
    }
}

impl<E: Float, const RANK: usize> Tensor<E, RANK> {
    /// Whether the shapes are equal and every element is within `absolute + relative * |other|` of `other`.
    ///
    /// Infinities must be equal, and a NaN is close to nothing.
    #[must_use]
    pub fn is_close(&self, other: &Self, relative: f64, absolute: f64) -> bool {
        let mut pairs = self.iter().zip(other);
        self.shape == other.shape
            && pairs.all(|(left, &right)| left.is_close(right, relative, absolute))
    }
}

impl<E: Element, const RANK: usize> PartialEq for Tensor<E, RANK> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_not_seen_by_clones_and_views() {
        let mut x = Tensor::from([[1, 2], [3, 4]]);
        let clone = x.clone();
        let view = x.transposed();
        x[[0, 1]] = 9;
        assert_eq!(x, Tensor::from([[1, 9], [3, 4]]));
        assert_eq!(clone, Tensor::from([[1, 2], [3, 4]]));
        assert_eq!(view, Tensor::from([[1, 3], [2, 4]]));
    }

    #[test]
    fn a_tensor_alone_changes_in_place() {
        let mut x = Tensor::from_vec([2, 2], vec![1, 2, 3, 4]).unwrap();
        let address = x.as_slice().unwrap().as_ptr();
        x.as_mut_slice()[3] = 7;
        assert_eq!(x.as_slice().unwrap().as_ptr(), address);
        let mut tail = x.slice(0, 1..);
        drop(x);
        tail.as_mut_slice()[0] = 5;
        assert_eq!(tail.to_vec(), [5, 7]);
        assert_eq!(tail.as_slice().unwrap().as_ptr(), address.wrapping_add(2));
    }

    #[test]
    fn casts_and_closeness() {
        let x = Tensor::from([1.9f64, -2.9]);
        assert_eq!(x.cast::<i32>(), Tensor::from([1, -2]));
        assert!(x.is_close(&Tensor::from([1.9 + 1e-12, -2.9]), 1e-9, 0.0));
        assert!(!x.is_close(&Tensor::from([1.9]), 1.0, 1.0));
    }

    #[test]
    fn tensors_may_be_sent_and_shared() {
        fn check<T: Send + Sync>() {}
        check::<Tensor<f32, 3>>();
    }
}
