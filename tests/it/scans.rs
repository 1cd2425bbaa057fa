//! Running sums, products and extremes, along every axis and in both directions.

use crate::support::{between, floats, near, noise, of_sums, same, slopes, truths, whole};
use defn::prelude::*;
use std::ops::Range;

/// Nothing, one, and around the blocks in which scans go.
const LENGTHS: [usize; 11] = [0, 1, 2, 3, 7, 31, 32, 33, 64, 65, 200];

/// The positions that element `at` combines.
fn swept(at: usize, extent: usize, reverse: bool) -> Range<usize> {
    if reverse { at..extent } else { 0..at + 1 }
}

macro_rules! functions {
    ($element:ident: $extremes:ident $(, $sums:ident, $products:ident)?) => {
        $(
            #[defn]
            fn $sums(
                x: Tensor<$element, a, b, c>,
            ) -> (Tensor<$element, a, b, c>, Tensor<$element, a, b, c>, Tensor<$element, a, b, c>) {
                (x.cumsum(a), x.cumsum(b, reverse = true), x.cumsum(axis = -1))
            }

            #[defn]
            fn $products(
                x: Tensor<$element, a, b, c>,
            ) -> (Tensor<$element, a, b, c>, Tensor<$element, a, b, c>, Tensor<$element, a, b, c>) {
                (x.cumprod(a, reverse = true), x.cumprod(b), x.cumprod(c, reverse = true))
            }
        )?

        #[defn]
        fn $extremes(
            x: Tensor<$element, a, b, c>,
        ) -> (Tensor<$element, a, b, c>, Tensor<$element, a, b, c>, Tensor<$element, a, b, c>) {
            (x.cummax(a), x.cummin(b, reverse = true), x.cummax(c, reverse = false))
        }
    };
}

functions!(f32: extremes_f32, sums_f32, products_f32);
functions!(f64: extremes_f64, sums_f64, products_f64);
functions!(i32: extremes_i32, sums_i32, products_i32);
functions!(i64: extremes_i64, sums_i64, products_i64);
functions!(u8: extremes_u8);
functions!(u32: extremes_u32, sums_u32, products_u32);
functions!(u64: extremes_u64, sums_u64, products_u64);
functions!(bool: extremes_bool);

/// Shapes with each of the lengths on each of the axes.
fn shapes() -> Vec<[usize; 3]> {
    LENGTHS
        .iter()
        .flat_map(|n| [[*n, 2, 3], [3, *n, 2], [2, 3, *n], [*n, 1, 1], [1, 1, *n]])
        .collect()
}

/// What a fold over the swept positions of an axis gives.
fn folded<E: Element, T>(
    x: &Tensor<E, 3>,
    at: [usize; 3],
    (axis, reverse): (usize, bool),
    (first, fold): (T, impl FnMut(T, E) -> T),
) -> T {
    let element = |position| {
        let mut place = at;
        place[axis] = position;
        x[place]
    };
    swept(at[axis], x.shape()[axis], reverse).map(element).fold(first, fold)
}

/// Every element equal to the fold.
#[track_caller]
fn check<E: Element>(
    x: &Tensor<E, 3>,
    found: &Tensor<E, 3>,
    along: (usize, bool),
    (first, fold): (E, fn(E, E) -> E),
) {
    same(found, |at| folded(x, at, along, (first, fold)));
}

#[test]
fn integers_are_exact_and_wrap() {
    for shape in shapes() {
        macro_rules! of {
            ($element:ident: $sums:ident, $products:ident) => {{
                let x = &whole::<$element, 3>(shape, 1);
                let sum = (0, $element::wrapping_add as fn($element, $element) -> $element);
                let (a, b, c) = $sums(x);
                check(x, &a, (0, false), sum);
                check(x, &b, (1, true), sum);
                check(x, &c, (2, false), sum);
                let product = (1, $element::wrapping_mul as fn($element, $element) -> $element);
                let (a, b, c) = $products(x);
                check(x, &a, (0, true), product);
                check(x, &b, (1, false), product);
                check(x, &c, (2, true), product);
            }};
        }
        of!(i32: sums_i32, products_i32);
        of!(i64: sums_i64, products_i64);
        of!(u32: sums_u32, products_u32);
        of!(u64: sums_u64, products_u64);
    }
}

#[test]
fn extremes_are_exact() {
    for shape in shapes() {
        macro_rules! of {
            ($x:expr, $extremes:ident, $least:expr, $most:expr, $max:expr, $min:expr) => {{
                let x = &$x;
                let (a, b, c) = $extremes(x);
                check(x, &a, (0, false), ($least, $max));
                check(x, &b, (1, true), ($most, $min));
                check(x, &c, (2, false), ($least, $max));
            }};
        }
        let (low, high) = (f32::NEG_INFINITY, f32::INFINITY);
        of!(floats::<f32, 3>(shape, 1), extremes_f32, low, high, f32::max, f32::min);
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        of!(floats::<f64, 3>(shape, 2), extremes_f64, low, high, f64::max, f64::min);
        of!(whole::<i32, 3>(shape, 3), extremes_i32, i32::MIN, i32::MAX, Ord::max, Ord::min);
        of!(whole::<i64, 3>(shape, 4), extremes_i64, i64::MIN, i64::MAX, Ord::max, Ord::min);
        of!(whole::<u8, 3>(shape, 5), extremes_u8, u8::MIN, u8::MAX, Ord::max, Ord::min);
        let x = whole::<i32, 3>(shape, 7).cast::<u32>();
        of!(x, extremes_u32, u32::MIN, u32::MAX, Ord::max, Ord::min);
        let x = whole::<i64, 3>(shape, 8).map(|x| x as u64);
        of!(x, extremes_u64, u64::MIN, u64::MAX, Ord::max, Ord::min);
        of!(truths::<3>(shape, 6), extremes_bool, false, true, Ord::max, Ord::min);
    }
}

#[test]
fn floats_are_near_the_sum_of_all() {
    for shape in shapes() {
        macro_rules! of {
            ($element:ident: $sums:ident, $products:ident) => {{
                let x = &floats::<$element, 3>(shape, 7);
                let (a, b, c) = $sums(x);
                let sum = (0.0, |sum: f64, x: $element| sum + f64::from(x));
                near(&a, of_sums::<$element>(), |at| folded(x, at, (0, false), sum));
                near(&b, of_sums::<$element>(), |at| folded(x, at, (1, true), sum));
                near(&c, of_sums::<$element>(), |at| folded(x, at, (2, false), sum));
                // Near 1 in size, so that products neither vanish nor explode.
                let x = &between::<$element, 3>(shape, 8, (0.96, 1.04));
                let (a, b, c) = $products(x);
                let product = (1.0, |product: f64, x: $element| product * f64::from(x));
                near(&a, of_sums::<$element>(), |at| folded(x, at, (0, true), product));
                near(&b, of_sums::<$element>(), |at| folded(x, at, (1, false), product));
                near(&c, of_sums::<$element>(), |at| folded(x, at, (2, true), product));
            }};
        }
        of!(f32: sums_f32, products_f32);
        of!(f64: sums_f64, products_f64);
    }
}

#[defn]
fn everything(
    x: Tensor<f32, n>,
) -> (Tensor<f32, n>, Tensor<f32, n>, Tensor<f32, n>, Tensor<f32, n>) {
    (x.cumsum(n), x.cumprod(n), x.cummax(n), x.cummin(n, reverse = true))
}

/// From the first NaN on everything is NaN; infinities stay until they meet their like of the other sign.
#[test]
fn what_is_not_finite_goes_on() {
    let mut x = floats::<f32, 1>([150], 1);
    x[[3]] = f32::INFINITY;
    x[[70]] = f32::NEG_INFINITY;
    x[[100]] = f32::NAN;
    let (sum, product, max, min) = everything(&x);
    assert!((0..3).all(|i| sum[[i]].is_finite()));
    assert!((3..70).all(|i| sum[[i]] == f32::INFINITY) && (70..150).all(|i| sum[[i]].is_nan()));
    assert!(
        (3..100).all(|i| product[[i]].is_infinite()) && (100..150).all(|i| product[[i]].is_nan())
    );
    assert!((3..100).all(|i| max[[i]] == f32::INFINITY) && (100..150).all(|i| max[[i]].is_nan()));
    assert!((0..=100).all(|i| min[[i]].is_nan()) && (101..150).all(|i| min[[i]].is_finite()));
}

#[defn]
fn long(x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<f32, n>) {
    (x.cumsum(n), x.cumsum(n, reverse = true))
}

/// Blocks keep the error of a long running sum below that of adding one element after the other.
#[test]
fn long_sums_are_better_than_additions_in_a_row() {
    let x = between::<f32, 1>([300_001], 5, (0.0, 1.0));
    let (forward, backward) = long(&x);
    let error = |found: &Tensor<f32, 1>, order: &mut dyn Iterator<Item = usize>| {
        let (mut exact, mut naive) = (0.0_f64, 0.0_f32);
        order.fold((0.0_f64, 0.0_f64), |(ours, theirs), i| {
            exact += f64::from(x[[i]]);
            naive += x[[i]];
            let off = |value: f32| (f64::from(value) - exact).abs();
            (ours.max(off(found[[i]])), theirs.max(off(naive)))
        })
    };
    for (ours, theirs) in
        [error(&forward, &mut (0..300_001)), error(&backward, &mut (0..300_001).rev())]
    {
        assert!(ours < theirs / 2.0, "{ours} and {theirs}");
    }
}

#[defn]
fn fused(x: Tensor<f64, n, m>, w: Tensor<f64, m>) -> (Tensor<f64, n, m>, Tensor<f64, m, n>) {
    let y = (x * w).exp().cumsum(m) / x.exp().sum(m);
    (y, x.order(m, n).reverse(n).cumsum(n).reverse(n) * w)
}

/// What is computed on the way in is computed in the scan, and a scan between two turns is one the other way.
#[test]
fn scans_of_computed_values() {
    for shape @ [n, m] in [[0, 3], [1, 1], [3, 70], [5, 130]] {
        let (x, w) = (floats([n, m], 1), floats([m], 2));
        let (y, z) = fused(&x, &w);
        near(&y, 1e-12, |[i, j]| {
            let sum: f64 = (0..=j).map(|k| (x[[i, k]] * w[[k]]).exp()).sum();
            sum / (0..m).map(|k| x[[i, k]].exp()).sum::<f64>()
        });
        near(&z, 1e-12, |[j, i]| (i..n).map(|k| x[[k, j]]).sum::<f64>() * w[[j]]);
        assert_eq!(y.shape(), shape);
    }
}

#[defn]
fn accumulate(x: &mut Tensor<f32, n, m>) {
    *x = x.cumsum(m).cumsum(n, reverse = true);
}

#[test]
fn updates_in_place() {
    for [n, m] in [[0, 4], [1, 1], [5, 64], [3, 131]] {
        let before = whole::<f32, 2>([n, m], 1);
        let mut x = before.copied();
        accumulate(&mut x);
        let sum = |i, j| (i..n).map(|i| (0..=j).map(|j| before[[i, j]]).sum::<f32>()).sum::<f32>();
        assert_eq!(x, Tensor::from_fn([n, m], |[i, j]| sum(i, j)));
    }
}

#[defn]
fn of_sums_and_products(x: Tensor<f64, n, m>, w: Tensor<f64, n, m>) -> f64 {
    let sums = (x.cumsum(n) * w).sum() + (x.cumsum(m, reverse = true).square() * w).sum();
    sums + (x.cumprod(m) * w).sum() + (x.cumprod(n, reverse = true) * w).sum()
}

#[defn]
fn of_extremes(x: Tensor<f64, n, m>, w: Tensor<f64, n, m>) -> f64 {
    let forward = (x.cummax(n) * w).sum() + (x.cummin(m) * w.square()).sum();
    forward + (x.cummax(m, reverse = true) * w).sum() + (x.cummin(n, reverse = true) * w).sum()
}

#[test]
fn gradients() {
    for shape in [[0, 3], [1, 1], [3, 5], [7, 4], [2, 40]] {
        let (x, w) = (floats(shape, 1), floats(shape, 2));
        slopes(&grad!(of_sums_and_products)(&x, &w), &x, |x| of_sums_and_products(x, &w));
        slopes(&grad!(of_extremes)(&x, &w), &x, |x| of_extremes(x, &w));
    }
}

/// Zeros, alone and several in a row of factors, are where dividing the product by the factor fails.
#[test]
fn gradients_of_products_with_zeros() {
    for seed in 0..20 {
        let shape = [4, 6];
        let (mut x, w) = (floats(shape, seed), floats(shape, 100 + seed));
        for place in 0..24 {
            if noise(seed, place).is_multiple_of(4) {
                let place = place as usize;
                x[[place / 6, place % 6]] = 0.0;
            }
        }
        slopes(&grad!(of_sums_and_products)(&x, &w), &x, |x| of_sums_and_products(x, &w));
    }
}

#[defn]
fn product(x: Tensor<f64, n>, w: Tensor<f64, n>) -> f64 {
    (x.cumprod(n) * w).sum()
}

#[defn]
fn slope_of_product(x: Tensor<f64, n>, w: Tensor<f64, n>, v: Tensor<f64, n>) -> f64 {
    (grad!(product)(x, w) * v).sum()
}

/// The second derivative is right at zeros too.
#[test]
fn second_gradients_of_products_with_zeros() {
    for zeros in [vec![], vec![0], vec![2], vec![1, 4], vec![0, 5]] {
        let (mut x, w, v) = (floats([6], 3), floats([6], 4), floats([6], 5));
        zeros.iter().for_each(|zero| x[[*zero]] = 0.0);
        slopes(&grad!(slope_of_product)(&x, &w, &v), &x, |x| slope_of_product(x, &w, &v));
    }
}

/// A product with NaN among its factors is NaN, and so is its derivative.
#[test]
fn gradient_of_products_with_nan() {
    let x = Tensor::from([2.0, 3.0, f64::NAN, 5.0]);
    let slopes = grad!(product)(&x, &Tensor::from([1.0; 4]));
    assert!(slopes.iter().all(|slope| slope.is_nan()), "{slopes}");
}

#[defn]
fn weighed_maximum(x: Tensor<f64, n>, w: Tensor<f64, n>) -> f64 {
    (x.cummax(n) * w).sum()
}

/// Of equal elements the one that is met last moves the maximum; the largest of all is NaN.
#[test]
fn gradient_at_ties_and_nan() {
    let w = Tensor::from([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    let gradient = |x: [f64; 6]| grad!(weighed_maximum)(&Tensor::from(x), &w);
    assert_eq!(
        gradient([1.0, 1.0, 0.0, 1.0, 3.0, 2.0]),
        Tensor::from([1.0, 6.0, 0.0, 8.0, 48.0, 0.0])
    );
    let nan = f64::NAN;
    assert_eq!(
        gradient([1.0, nan, 2.0, nan, 5.0, 0.0]),
        Tensor::from([1.0, 6.0, 0.0, 56.0, 0.0, 0.0])
    );
}
