//! What goes along one axis in order: scans and sorting, row by row and pair by pair.

use super::walk::{Item, Tensor, integer};
use crate::graph::{Comparison, Element};

/// Every element is a reduction of its own, in the direction of the walk.
pub(super) fn scan<T: Item>(
    operand: &Tensor<T>,
    (axis, reverse): (usize, bool),
    reduction: impl Fn(&[T]) -> T,
) -> Tensor<T> {
    Tensor::filled(&operand.shape, |index| {
        let item = |position| operand.at(&replaced(index, axis, position)).clone();
        let (here, extent) = (index[axis], operand.shape[axis]);
        let items: Vec<T> = if reverse {
            (here..extent).rev().map(item).collect()
        } else {
            (0..=here).map(item).collect()
        };
        reduction(&items)
    })
}

/// The elements in order; unknown where the order is.
pub(super) fn sort<T: Item>(
    operand: &Tensor<T>,
    (axis, descending): (usize, bool),
    element: Element,
) -> Tensor<T> {
    sorted(operand, (axis, descending), &operand.shape, |from, index| match from {
        Some(from) => operand.at(&replaced(index, axis, from)).clone(),
        None => T::unknown(element),
    })
}

/// The positions of the elements in order, as many as the shape has.
pub(super) fn argsort<T: Item>(
    operand: &Tensor<T>,
    along: (usize, bool),
    shape: &[usize],
) -> Tensor<T> {
    sorted(operand, along, shape, |from, _| match from {
        Some(from) => integer(from as i64),
        None => T::unknown(Element::I64),
    })
}

/// Every place holds what is made of the position of its element; of none, if the order is not known.
fn sorted<T: Item>(
    operand: &Tensor<T>,
    (axis, descending): (usize, bool),
    shape: &[usize],
    item: impl Fn(Option<usize>, &[usize]) -> T,
) -> Tensor<T> {
    let extent = operand.shape[axis];
    let rows: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(own, extent)| if own == axis { 1 } else { *extent })
        .collect();
    let orders = Tensor::filled(&rows, |row| {
        let elements = (0..extent).map(|at| operand.at(&replaced(row, axis, at)).clone());
        order(&elements.collect::<Vec<T>>(), descending)
    });
    Tensor::filled(shape, |index| {
        let order = orders.at(&replaced(index, axis, 0));
        item(order.as_ref().map(|order| order[index[axis]]), index)
    })
}

/// The positions of elements in order: an element stands behind all that must stand before it. None if that is not known of some.
fn order<T: Item>(elements: &[T], descending: bool) -> Option<Vec<usize>> {
    let holds =
        |comparison, left, right| Some(T::compare(comparison, left, right).position()? != 0);
    let first = if descending { Comparison::Gt } else { Comparison::Lt };
    let before = |j: usize, i: usize| {
        let (left, right) = (&elements[j], &elements[i]);
        let nan = (holds(Comparison::Ne, left, left)?, holds(Comparison::Ne, right, right)?);
        Some(match nan {
            (false, false) => {
                holds(first, left, right)? || (j < i && holds(Comparison::Eq, left, right)?)
            }
            (true, true) => j < i,
            (left_is_nan, _) => !left_is_nan,
        })
    };
    let mut order = vec![0; elements.len()];
    for i in 0..elements.len() {
        let mut rank = 0;
        for j in (0..elements.len()).filter(|j| *j != i) {
            rank += usize::from(before(j, i)?);
        }
        order[rank] = i;
    }
    Some(order)
}

/// An index with another position along one axis.
fn replaced(index: &[usize], axis: usize, position: usize) -> Vec<usize> {
    let mut replaced = index.to_vec();
    replaced[axis] = position;
    replaced
}
