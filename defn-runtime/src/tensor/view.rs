//! Views: the same elements, seen through another shape.
//!
//! Nothing here copies an element but [`Tensor::reshaped`], and that only where no strides could say the new shape.
//! As with Rust's slices, a position that is out of range panics.

use std::ops::{Bound, RangeBounds};

use crate::element::Element;
use crate::error::Error;
use crate::tensor::{Tensor, create};

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    /// The axes in reverse order.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut view = self.clone();
        view.shape.reverse();
        view.strides.reverse();
        view
    }

    /// The axes in another order: axis `k` of the view is axis `order[k]` of this tensor.
    ///
    /// # Panics
    /// If `order` does not name every axis once.
    #[must_use]
    #[track_caller]
    pub fn permuted(&self, order: [usize; RANK]) -> Self {
        let mut sorted = order;
        sorted.sort_unstable();
        assert!(
            sorted.iter().enumerate().all(|(axis, &found)| axis == found),
            "{order:?} is not an order of {RANK} axes"
        );
        let mut view = self.clone();
        view.shape = order.map(|axis| self.shape[axis]);
        view.strides = order.map(|axis| self.strides[axis]);
        view
    }

    /// The part of `axis` whose positions are in `range`.
    ///
    /// # Panics
    /// If there is no such axis, or if the range does not lie inside it.
    #[must_use]
    #[track_caller]
    pub fn slice(&self, axis: usize, range: impl RangeBounds<usize>) -> Self {
        let extent = self.extent_of(axis);
        let start = match range.start_bound() {
            Bound::Included(&start) => Some(start),
            Bound::Excluded(&before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => Some(extent),
        };
        match (start, end) {
            (Some(start), Some(end)) if start <= end && end <= extent => {
                self.narrowed(axis, start, end - start)
            }
            _ => panic!(
                "range {:?}..{:?} is out of axis {axis} of shape {:?}",
                start.unwrap_or(usize::MAX),
                end.unwrap_or(usize::MAX),
                self.shape
            ),
        }
    }

    /// `extent` positions of `axis` from `start` on, which lie inside it.
    fn narrowed(&self, axis: usize, start: usize, extent: usize) -> Self {
        let mut view = self.clone();
        view.shape[axis] = extent;
        if !view.is_empty() {
            view.offset = self.offset.wrapping_add_signed(start.cast_signed() * self.strides[axis]);
        }
        view
    }

    /// Every `step`th position of `axis`, beginning with the first.
    ///
    /// # Panics
    /// If there is no such axis, or if `step` is 0.
    #[must_use]
    #[track_caller]
    pub fn step(&self, axis: usize, step: usize) -> Self {
        let extent = self.extent_of(axis);
        assert!(step > 0, "a step of 0 along axis {axis} never ends");
        let mut view = self.clone();
        view.shape[axis] = extent.div_ceil(step);
        // With a single position the stride is never used, and the product might not fit.
        if view.shape[axis] > 1 {
            view.strides[axis] = self.strides[axis].wrapping_mul(step.cast_signed());
        }
        view
    }

    /// The positions of `axis` in reverse order.
    ///
    /// # Panics
    /// If there is no such axis.
    #[must_use]
    #[track_caller]
    pub fn reversed(&self, axis: usize) -> Self {
        let last = self.extent_of(axis).saturating_sub(1);
        let mut view = self.clone();
        if !self.is_empty() {
            view.offset = self.offset.wrapping_add_signed(last.cast_signed() * self.strides[axis]);
        }
        view.strides[axis] = self.strides[axis].wrapping_neg();
        view
    }

    /// The same elements in row-major order under another shape; they are copied if they do not lie in this order.
    ///
    /// # Errors
    /// Both shapes must have the same number of elements.
    pub fn reshaped<const NEW: usize>(&self, shape: [usize; NEW]) -> Result<Tensor<E, NEW>, Error> {
        create::fits(&shape, self.len())?;
        let source = self.contiguous();
        let strides = crate::shape::row_major(&shape);
        Ok(Tensor { storage: source.storage, offset: source.offset, shape, strides })
    }

    #[track_caller]
    fn extent_of(&self, axis: usize) -> usize {
        match self.shape.get(axis) {
            Some(&extent) => extent,
            None => panic!("a tensor of rank {RANK} has no axis {axis}"),
        }
    }
}

/// Rust cannot say `RANK - 1` in a type, so each rank has its own function.
macro_rules! index_axis {
    ($($rank:literal to $less:literal),*) => { $(
        impl<E: Element> Tensor<E, $rank> {
            /// The tensor at one position of `axis`, without that axis.
            ///
            /// # Panics
            /// If there is no such axis or no such position.
            #[must_use]
            #[track_caller]
            pub fn index_axis(&self, axis: usize, position: usize) -> Tensor<E, $less> {
                let extent = self.extent_of(axis);
                assert!(position < extent, "position {position} is out of axis {axis} of shape {:?}", self.shape);
                let part = self.narrowed(axis, position, 1);
                let kept = |new: usize| if new < axis { new } else { new + 1 };
                Tensor {
                    storage: part.storage,
                    offset: part.offset,
                    shape: std::array::from_fn(|new| self.shape[kept(new)]),
                    strides: std::array::from_fn(|new| self.strides[kept(new)]),
                }
            }
        }
    )* };
}

index_axis!(1 to 0, 2 to 1, 3 to 2, 4 to 3, 5 to 4, 6 to 5, 7 to 6, 8 to 7);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tensor<i32, 3> {
        Tensor::from_fn([2, 3, 4], |[i, j, k]| (100 * i + 10 * j + k) as i32)
    }

    #[test]
    fn views_share_the_elements() {
        let x = sample();
        let address = x.as_slice().unwrap().as_ptr();
        assert_eq!(x.index_axis(0, 1).as_slice().unwrap().as_ptr(), address.wrapping_add(12));
        assert_eq!(x.slice(0, 1..).as_slice().unwrap().as_ptr(), address.wrapping_add(12));
        assert_eq!(x.reshaped([6, 4]).unwrap().as_slice().unwrap().as_ptr(), address);
    }

    #[test]
    fn views_show_the_right_elements() {
        let x = sample();
        assert_eq!(x.transposed()[[3, 2, 1]], 123);
        assert_eq!(x.permuted([1, 2, 0])[[2, 3, 1]], 123);
        assert_eq!(x.slice(1, 1..=2).step(2, 3).to_vec(), [10, 13, 20, 23, 110, 113, 120, 123]);
        assert_eq!(x.reversed(2).index_axis(0, 0).index_axis(0, 0).to_vec(), [3, 2, 1, 0]);
        assert_eq!(x.transposed().reshaped([24]).unwrap().to_vec()[..3], [0, 100, 10]);
        assert_eq!(x.index_axis(1, 2).shape(), [2, 4]);
        assert_eq!(Tensor::from([1, 2]).index_axis(0, 1).item(), 2);
    }

    #[test]
    fn axes_of_extent_zero_have_views_too() {
        let x = Tensor::<f32, 2>::zeros([0, 3]);
        assert_eq!(x.reversed(0).reversed(1).transposed().shape(), [3, 0]);
        assert_eq!(x.slice(1, 3..).step(1, 2).shape(), [0, 0]);
        assert_eq!(x.index_axis(1, 2).shape(), [0]);
        assert_eq!(x.reshaped([5, 0, 2]).unwrap().len(), 0);
        let mut tail = Tensor::from([1, 2, 3]).reversed(0).slice(0, 3..);
        assert_eq!(tail.to_vec(), [0i32; 0]);
        assert_eq!(tail.as_mut_slice(), [0i32; 0]);
    }

    #[test]
    fn a_view_of_a_view_keeps_its_place_after_an_empty_one() {
        let x = sample();
        assert_eq!(x.step(0, usize::MAX).to_vec(), x.slice(0, ..1).to_vec());
        assert_eq!(x.slice(2, 1..1).len(), 0);
    }

    #[test]
    fn what_is_out_of_range_panics_with_the_shape() {
        let text = |run: fn()| {
            let panic = std::panic::catch_unwind(run).unwrap_err();
            panic.downcast_ref::<String>().expect("a formatted message").clone()
        };
        assert_eq!(
            text(|| drop(sample().slice(1, 2..4))),
            "range 2..4 is out of axis 1 of shape [2, 3, 4]"
        );
        assert_eq!(
            text(|| drop(sample().slice(1, ..=usize::MAX))),
            format!("range 0..{} is out of axis 1 of shape [2, 3, 4]", usize::MAX)
        );
        assert_eq!(
            text(|| drop(sample().index_axis(0, 2))),
            "position 2 is out of axis 0 of shape [2, 3, 4]"
        );
        assert_eq!(text(|| drop(sample().reversed(3))), "a tensor of rank 3 has no axis 3");
        assert_eq!(
            text(|| drop(sample().permuted([0, 1, 1]))),
            "[0, 1, 1] is not an order of 3 axes"
        );
        assert_eq!(text(|| drop(sample().step(0, 0))), "a step of 0 along axis 0 never ends");
    }
}
