//! Sorting, positions in order, and the largest few, along every axis and in both directions.

use crate::support::{floats, slopes, truths, whole};
use defn::prelude::*;
use std::cmp::Ordering;

/// Nothing, one, and around where a row counts as long.
const LENGTHS: [usize; 8] = [0, 1, 2, 3, 33, 160, 161, 700];

/// The order of two elements; NaN comes last in both directions.
trait Ordered: Element {
    fn compare(self, other: Self, descending: bool) -> Ordering;
}

macro_rules! ordered {
    ($($element:ident),*) => {$(
        impl Ordered for $element {
            fn compare(self, other: Self, descending: bool) -> Ordering {
                let nan = (self != self).cmp(&(other != other));
                let order = self.partial_cmp(&other).unwrap_or(Ordering::Equal);
                nan.then(if descending { order.reverse() } else { order })
            }
        }
    )*};
}

ordered!(f32, f64, i32, i64, u8, u32, u64, bool);

/// The positions along an axis in order, for every place.
fn positions<E: Ordered, const RANK: usize>(
    x: &Tensor<E, RANK>,
    (axis, descending): (usize, bool),
) -> Tensor<i64, RANK> {
    let mut heads = x.shape();
    heads[axis] = heads[axis].min(1);
    let mut places = Vec::new();
    drop(Tensor::<bool, RANK>::from_fn(heads, |at| {
        places.push(at);
        true
    }));
    let mut found = Tensor::zeros(x.shape());
    for mut at in places {
        let mut place = |position: usize| {
            at[axis] = position;
            at
        };
        let mut order: Vec<usize> = (0..x.shape()[axis]).collect();
        order.sort_by(|a, b| x[place(*a)].compare(x[place(*b)], descending));
        order.iter().enumerate().for_each(|(rank, from)| found[place(rank)] = *from as i64);
    }
    found
}

/// Elements at positions along an axis.
fn taken<E: Element, const RANK: usize>(
    x: &Tensor<E, RANK>,
    axis: usize,
    positions: &Tensor<i64, RANK>,
) -> Tensor<E, RANK> {
    Tensor::from_fn(positions.shape(), |at| {
        let mut place = at;
        place[axis] = positions[at] as usize;
        x[place]
    })
}

macro_rules! functions {
    ($element:ident: $values:ident, $orders:ident) => {
        #[defn]
        fn $values(
            x: Tensor<$element, a, b, c>,
        ) -> (Tensor<$element, a, b, c>, Tensor<$element, a, b, c>, Tensor<$element, a, b, c>) {
            (x.sort(a), x.sort(b, descending = true), x.sort(axis = -1))
        }

        #[defn]
        fn $orders(
            x: Tensor<$element, a, b, c>,
        ) -> (Tensor<i64, a, b, c>, Tensor<i64, a, b, c>, Tensor<i64, a, b, c>) {
            (x.argsort(a, descending = true), x.argsort(b), x.argsort(c, descending = true))
        }
    };
}

functions!(f32: values_f32, orders_f32);
functions!(f64: values_f64, orders_f64);
functions!(i32: values_i32, orders_i32);
functions!(i64: values_i64, orders_i64);
functions!(u8: values_u8, orders_u8);
functions!(u32: values_u32, orders_u32);
functions!(u64: values_u64, orders_u64);
functions!(bool: values_bool, orders_bool);

/// Shapes with each of the lengths on each of the axes.
fn shapes() -> Vec<[usize; 3]> {
    LENGTHS.iter().flat_map(|n| [[*n, 2, 3], [2, *n, 3], [3, 2, *n], [1, 1, *n]]).collect()
}

/// Bits as well: zeros keep their signs.
#[track_caller]
fn equal<E: Element + std::fmt::Debug, const RANK: usize>(
    found: &Tensor<E, RANK>,
    expected: &Tensor<E, RANK>,
) {
    assert_eq!(found.shape(), expected.shape());
    for (found, expected) in found.iter().zip(expected.iter()) {
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}

#[test]
fn every_element_type_along_every_axis() {
    for shape in shapes() {
        macro_rules! of {
            ($x:expr, $values:ident, $orders:ident) => {{
                let x = &$x;
                let order = |axis, descending| positions(x, (axis, descending));
                let (a, b, c) = $orders(x);
                assert_eq!(a, order(0, true));
                assert_eq!(b, order(1, false));
                assert_eq!(c, order(2, true));
                let (a, b, c) = $values(x);
                equal(&a, &taken(x, 0, &order(0, false)));
                equal(&b, &taken(x, 1, &order(1, true)));
                equal(&c, &taken(x, 2, &order(2, false)));
            }};
        }
        of!(floats::<f32, 3>(shape, 1), values_f32, orders_f32);
        of!(floats::<f64, 3>(shape, 2), values_f64, orders_f64);
        // With many ties.
        of!(whole::<f32, 3>(shape, 3), values_f32, orders_f32);
        of!(whole::<i32, 3>(shape, 4), values_i32, orders_i32);
        of!(whole::<i64, 3>(shape, 5), values_i64, orders_i64);
        of!(whole::<i64, 3>(shape, 6).map(|x| x << 55 | x & 3), values_i64, orders_i64);
        of!(whole::<u8, 3>(shape, 7), values_u8, orders_u8);
        // Half of them have the highest bit.
        of!(whole::<i32, 3>(shape, 9).cast::<u32>(), values_u32, orders_u32);
        of!(whole::<i64, 3>(shape, 10).map(|x| x as u64), values_u64, orders_u64);
        of!(truths::<3>(shape, 8), values_bool, orders_bool);
    }
}

#[test]
fn zeros_infinities_and_nan() {
    for n in [9, 40, 400] {
        macro_rules! of {
            ($element:ident: $values:ident, $orders:ident) => {{
                let special = [
                    0.0,
                    -0.0,
                    $element::NAN,
                    -$element::NAN,
                    $element::INFINITY,
                    $element::NEG_INFINITY,
                    $element::MIN_POSITIVE / 4.0,
                    $element::MAX,
                    -1.0,
                ];
                let x = Tensor::from_fn([n, 1, 2], |[i, _, j]| special[(i * i + 5 * j) % 9]);
                let order = |axis, descending| positions(&x, (axis, descending));
                assert_eq!($orders(&x).0, order(0, true));
                equal(&$values(&x).0, &taken(&x, 0, &order(0, false)));
                let x = x.permuted([1, 0, 2]);
                equal(&$values(&x).1, &taken(&x, 1, &positions(&x, (1, true))));
            }};
        }
        of!(f32: values_f32, orders_f32);
        of!(f64: values_f64, orders_f64);
    }
}

#[defn]
fn best(
    x: Tensor<f32, n, m>,
) -> (Tensor<f32, n, m<3>>, Tensor<i64, n, m<3>>, Tensor<f32, n<{ n - 1 }>, m>, Tensor<i64, n<0>, m>)
{
    let (values, places) = x.top_k(m, 3);
    let (rest, _) = x.top_k(n, n - 1);
    let (_, nobody) = x.top_k(n, 0);
    (values, places, rest, nobody)
}

#[test]
fn the_largest_few() {
    for [n, m] in [[1, 3], [2, 4], [5, 160], [3, 161], [2, 1000], [161, 3], [700, 4]] {
        for mut x in [floats::<f32, 2>([n, m], 1), whole::<f32, 2>([n, m], 2)] {
            if m > 100 {
                x[[0, 50]] = f32::NAN;
            }
            let (values, places, rest, nobody) = best(&x);
            let columns = positions(&x, (1, true));
            assert_eq!(places, Tensor::from_fn([n, 3], |at| columns[at]));
            equal(&values, &taken(&x, 1, &places));
            let rows = positions(&x, (0, true));
            equal(&rest, &taken(&x, 0, &Tensor::from_fn([n - 1, m], |at| rows[at])));
            assert_eq!(nobody.shape(), [0, m]);
        }
    }
    let error = best::try_call(&Tensor::zeros([3, 2])).unwrap_err().to_string();
    assert!(error.starts_with("top_k of axis `m`: `3` must not exceed `m`"), "{error}");
}

#[defn]
fn many(x: Tensor<i32, n>) -> Tensor<i64, n<300>> {
    let (_, places) = x.top_k(n, 300);
    places
}

/// Too many to be kept in order one by one.
#[test]
fn the_largest_many() {
    let x = whole::<i32, 1>([1000], 1);
    let order = positions(&x, (0, true));
    assert_eq!(many(&x), Tensor::from_fn([300], |at| order[at]));
}

#[defn]
fn of_sorts(x: Tensor<f64, n, m>, w: Tensor<f64, n, m>) -> f64 {
    let (top, _) = x.top_k(m, 2);
    let sorted = (x.sort(n) * w).sum() + (x.sort(m, descending = true).square() * w).sum();
    sorted + top.square().sum() + (x.argsort(m) as f64 * x).sum()
}

#[test]
fn gradients() {
    for shape in [[0, 3], [1, 2], [3, 5], [170, 3]] {
        let (x, w) = (floats(shape, 1), floats(shape, 2));
        slopes(&grad!(of_sorts)(&x, &w), &x, |x| of_sorts(x, &w));
    }
}

#[defn]
fn put_in_order(x: &mut Tensor<i32, n>, y: Tensor<f32, n>) -> Tensor<f32, n> {
    *x = (x * 3).sort(n);
    (-y).sort(n).exp()
}

/// What is sorted may be computed, and what comes out may be computed with.
#[test]
fn sorting_of_computed_values() {
    for n in [0, 1, 7, 200] {
        let (before, y) = (whole::<i32, 1>([n], 1), floats::<f32, 1>([n], 2));
        let mut x = before.copied();
        let found = put_in_order(&mut x, &y);
        let mut expected: Vec<i32> = before.iter().map(|x| x * 3).collect();
        expected.sort_unstable();
        assert!(x.iter().eq(expected.iter()));
        assert!(found.iter().zip(found.iter().skip(1)).all(|(a, b)| a <= b));
    }
}

macro_rules! rows {
    ($element:ident: $all:ident, $largest:ident) => {
        #[defn]
        fn $all(
            x: Tensor<$element, n>,
        ) -> (Tensor<$element, n>, Tensor<$element, n>, Tensor<i64, n>, Tensor<i64, n>) {
            let places = (x.argsort(n), x.argsort(n, descending = true));
            (x.sort(n), x.sort(n, descending = true), places.0, places.1)
        }

        #[defn]
        fn $largest(
            x: Tensor<$element, n<100_000>>,
        ) -> (Tensor<$element, n<100_000>>, Tensor<i64, n<100_000>>, Tensor<i64, n<50_000>>) {
            let (_, places) = x.top_k(n, 50_000);
            (x.sort(n), x.argsort(n), places)
        }
    };
}

rows!(f32: row_f32, largest_f32);
rows!(f64: row_f64, largest_f64);
rows!(i32: row_i32, largest_i32);
rows!(i64: row_i64, largest_i64);
rows!(u8: row_u8, largest_u8);
rows!(u32: row_u32, largest_u32);
rows!(u64: row_u64, largest_u64);

/// Around where a row is parted into buckets.
#[test]
fn rows_of_many_elements() {
    for n in [20_000, 98_305, 100_000] {
        macro_rules! of {
            ($x:expr, $all:ident, $largest:ident) => {{
                let x = &$x;
                let (up, down) = (positions(x, (0, false)), positions(x, (0, true)));
                let (rising, falling, places, back) = $all(x);
                assert!(places == up, "positions of {n} {}", x.element());
                assert!(back == down, "positions of {n} {} from the largest", x.element());
                let bits = |x: &Tensor<_, 1>| format!("{:?}", x.to_vec());
                assert!(bits(&rising) == bits(&taken(x, 0, &up)), "{n} {}", x.element());
                assert!(bits(&falling) == bits(&taken(x, 0, &down)), "{n} {}", x.element());
                if n == 100_000 {
                    let (rising, places, few) = $largest(x);
                    assert!(bits(&rising) == bits(&taken(x, 0, &up)), "{n} {}", x.element());
                    assert!(places == up, "positions of {n} {}", x.element());
                    assert!(few.iter().eq(down.iter().take(50_000)), "{n} {}", x.element());
                }
            }};
        }
        let special = [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-310];
        let mut x = floats::<f64, 1>([n], 1);
        of!(x.map(|x| x * x * x), row_f64, largest_f64);
        of!(x.cast::<f32>(), row_f32, largest_f32);
        // One far away from all others, which are close together.
        let mut close = x.map(|x| 1.0 + x * 1e-5);
        close[[n / 2]] = -1e30;
        of!(close, row_f64, largest_f64);
        of!(close.cast::<f32>(), row_f32, largest_f32);
        for (at, value) in special.into_iter().cycle().take(700).enumerate() {
            x[[at * (n / 700)]] = value;
        }
        of!(x, row_f64, largest_f64);
        of!(x.cast::<f32>(), row_f32, largest_f32);
        of!(whole::<i32, 1>([n], 2), row_i32, largest_i32);
        of!(x.map(|x| (x * 1e9) as i32), row_i32, largest_i32);
        of!(whole::<i64, 1>([n], 3), row_i64, largest_i64);
        of!(x.map(|x| (x * 4e18) as i64), row_i64, largest_i64);
        of!(whole::<u8, 1>([n], 4), row_u8, largest_u8);
        of!(x.map(|x| (x * 1e9) as i32 as u32), row_u32, largest_u32);
        of!(x.map(|x| (x * 4e18) as i64 as u64), row_u64, largest_u64);
        of!(Tensor::full([n], 7_i64), row_i64, largest_i64);
    }
}

/// Rows that are parted one by one, and along an axis that is not the last.
#[test]
fn several_rows_of_many_elements() {
    for shape in [[2, 99_000, 1], [1, 99_000, 2]] {
        let x = floats::<f32, 3>(shape, 5);
        let up = positions(&x, (1, false));
        assert!(orders_f32(&x).1 == up);
        assert!(values_f32(&x).1 == taken(&x, 1, &positions(&x, (1, true))));
    }
}
