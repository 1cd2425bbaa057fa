//! Shapes and strides as plain numbers.
//!
//! A shape holds the extent of each axis; a stride says how many elements apart two neighbours of an axis lie in memory.
//! Row-major means that the last axis is the fastest and that there are no gaps.
//!
//! ```text
//! shape [2, 3, 4]   row-major strides [12, 4, 1]
//! ```
//!
//! Afterwards: the length of an accepted shape, and each of its extents, is at most `isize::MAX`.

/// How many elements a tensor of this shape has, or `None` if that number or an extent is beyond `isize::MAX`.
pub(crate) fn length(shape: &[usize]) -> Option<usize> {
    let limit = isize::MAX as usize;
    if shape.iter().any(|&extent| extent > limit) {
        return None;
    }
    if shape.contains(&0) {
        return Some(0);
    }
    let product = shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))?;
    (product <= limit).then_some(product)
}

/// The strides of a row-major tensor.
///
/// The strides beside an axis of extent 0 are arbitrary, because no element is ever reached.
pub(crate) fn row_major<const RANK: usize>(shape: &[usize; RANK]) -> [isize; RANK] {
    let mut strides = [1; RANK];
    let mut step = 1isize;
    for axis in (0..RANK).rev() {
        strides[axis] = step;
        step = step.wrapping_mul(shape[axis].max(1).cast_signed());
    }
    strides
}

/// Whether elements in row-major order lie side by side.
///
/// An axis of extent 1 may have any stride, and a tensor without elements is always row-major.
#[inline]
pub(crate) fn is_row_major(shape: &[usize], strides: &[isize]) -> bool {
    let mut step = 1;
    let mut matches = true;
    for (&extent, &stride) in shape.iter().zip(strides).rev() {
        if extent == 0 {
            return true;
        }
        matches &= extent == 1 || stride == step;
        step = step.wrapping_mul(extent.cast_signed());
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_refuse_what_memory_cannot_hold() {
        assert_eq!(length(&[]), Some(1));
        assert_eq!(length(&[2, 3]), Some(6));
        assert_eq!(length(&[0, isize::MAX as usize, 7]), Some(0));
        assert_eq!(length(&[0, usize::MAX]), None);
        assert_eq!(length(&[usize::MAX / 2, 3]), None);
    }

    #[test]
    fn strides_of_row_major_tensors() {
        assert_eq!(row_major(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(row_major(&[]), []);
        assert!(is_row_major(&[2, 3, 4], &[12, 4, 1]));
        assert!(is_row_major(&[1, 3], &[99, 1]));
        assert!(is_row_major(&[0, 3], &[-5, 7]));
        assert!(is_row_major(&[3, 0], &[-5, 7]));
        assert!(!is_row_major(&[3, 2], &[1, 3]));
        assert!(!is_row_major(&[3], &[-1]));
    }
}
