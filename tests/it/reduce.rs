//! Reductions over any axes, for every element type that has them.

use crate::support::{between, floats, near, of_sums, same, truths, whole};
use defn::prelude::*;

const SHAPES: [[usize; 3]; 8] =
    [[2, 3, 4], [1, 1, 1], [0, 3, 2], [3, 0, 2], [3, 2, 0], [5, 7, 9], [1, 37, 2], [2, 1, 65]];

/// Folds over the positions of `shape` that agree with `kept`, where that holds a position.
fn fold<A>(
    [a, b, c]: [usize; 3],
    kept: [Option<usize>; 3],
    start: A,
    mut step: impl FnMut(A, [usize; 3]) -> A,
) -> A {
    let mut answer = start;
    for i in 0..a {
        for j in 0..b {
            for k in 0..c {
                let agrees = |axis: usize, at: usize| kept[axis].is_none_or(|kept| kept == at);
                if agrees(0, i) && agrees(1, j) && agrees(2, k) {
                    answer = step(answer, [i, j, k]);
                }
            }
        }
    }
    answer
}

#[defn]
fn extremes<T: Number>(
    x: Tensor<T, a, b, c>,
) -> (T, Tensor<T, b, c>, Tensor<T, a, c>, Tensor<T, a, b>, Tensor<T, b>, Tensor<T, c>) {
    (x.max(), x.max(a), x.max(b), x.min(c), x.min(a, c), x.min((a, b)))
}

#[test]
fn extremes_of_every_number_type() {
    for shape in SHAPES {
        macro_rules! check {
            ($($type:ident $least:expr, $most:expr;)*) => {$({
                let x = whole::<$type, 3>(shape, 1);
                let found = extremes::<$type>(&x);
                let max = |kept| fold(shape, kept, $least, |best, at| if x[at] > best { x[at] } else { best });
                let min = |kept| fold(shape, kept, $most, |best, at| if x[at] < best { x[at] } else { best });
                assert_eq!(found.0, max([None; 3]));
                same(&found.1, |[j, k]| max([None, Some(j), Some(k)]));
                same(&found.2, |[i, k]| max([Some(i), None, Some(k)]));
                same(&found.3, |[i, j]| min([Some(i), Some(j), None]));
                same(&found.4, |[j]| min([None, Some(j), None]));
                same(&found.5, |[k]| min([None, None, Some(k)]));
            })*};
        }
        check! {
            f32 f32::NEG_INFINITY, f32::INFINITY;
            f64 f64::NEG_INFINITY, f64::INFINITY;
            i32 i32::MIN, i32::MAX;
            i64 i64::MIN, i64::MAX;
            u8 u8::MIN, u8::MAX;
            u32 u32::MIN, u32::MAX;
            u64 u64::MIN, u64::MAX;
        }
    }
}

#[defn]
fn sums_i32(
    x: Tensor<i32, a, b, c>,
) -> (i32, Tensor<i32, b, c>, Tensor<i32, a, b>, Tensor<i32, b>) {
    (x.sum(), x.sum(a), x.product(c), x.sum(a, c))
}

#[defn]
fn sums_i64(
    x: Tensor<i64, a, b, c>,
) -> (i64, Tensor<i64, b, c>, Tensor<i64, a, b>, Tensor<i64, b>) {
    (x.sum(), x.sum(axis = 0), x.product(axis = -1), x.sum(axis = 0, axis = 2))
}

#[test]
fn sums_and_products_of_integers_wrap() {
    for shape in SHAPES {
        macro_rules! check {
            ($($type:ident $function:ident;)*) => {$({
                let x = whole::<$type, 3>(shape, 1).map(|x| x.wrapping_mul($type::MAX / 5));
                let found = $function(&x);
                let sum = |kept| fold(shape, kept, 0, |sum: $type, at| sum.wrapping_add(x[at]));
                let product = |kept| fold(shape, kept, 1, |sum: $type, at| sum.wrapping_mul(x[at]));
                assert_eq!(found.0, sum([None; 3]));
                same(&found.1, |[j, k]| sum([None, Some(j), Some(k)]));
                same(&found.2, |[i, j]| product([Some(i), Some(j), None]));
                same(&found.3, |[j]| sum([None, Some(j), None]));
            })*};
        }
        check! { i32 sums_i32; i64 sums_i64; }
    }
}

#[defn]
fn sums<T: Float>(
    x: Tensor<T, a, b, c>,
) -> (T, Tensor<T, b, c>, Tensor<T, a, c>, Tensor<T, b>, Tensor<T, a>, T) {
    (x.sum(), x.sum(a), x.product(b), x.mean(a, c), x.variance(b, c), x.mean())
}

fn sums_of<T: Float>()
where
    f64: From<T>,
{
    for shape in SHAPES {
        let x = floats::<T, 3>(shape, 1);
        let found = sums::<T>(&x);
        let sum = |kept| fold(shape, kept, 0.0, |sum, at| sum + f64::from(x[at]));
        let product = |kept| fold(shape, kept, 1.0, |product, at| product * f64::from(x[at]));
        let [a, b, c] = shape.map(|extent| extent as f64);
        let total = f64::from(found.0);
        near(&Tensor::<f64, 0>::from(total), of_sums::<T>(), |_| sum([None; 3]));
        near(&found.1, of_sums::<T>(), |[j, k]| sum([None, Some(j), Some(k)]));
        near(&found.2, of_sums::<T>(), |[i, k]| product([Some(i), None, Some(k)]));
        near(&found.3, of_sums::<T>(), |[j]| sum([None, Some(j), None]) / (a * c));
        near(&found.4, of_sums::<T>(), |[i]| {
            let kept = [Some(i), None, None];
            let mean = sum(kept) / (b * c);
            fold(shape, kept, 0.0, |sum, at| sum + (f64::from(x[at]) - mean).powi(2)) / (b * c)
        });
        let mean = Tensor::<f64, 0>::from(f64::from(found.5));
        near(&mean, of_sums::<T>(), |_| sum([None; 3]) / (a * b * c));
    }
}

#[test]
fn sums_products_means_and_variances_of_floats() {
    sums_of::<f32>();
    sums_of::<f64>();
}

#[defn]
fn truth(
    x: Tensor<bool, a, b, c>,
) -> (Tensor<bool, b, c>, Tensor<bool, a, b>, Tensor<i64, a, c>, bool, bool, i64) {
    (x.any(a), x.all(c), x.count(b), x.any(), x.all(), x.count())
}

#[test]
fn any_all_and_count_of_truth_values() {
    for shape in SHAPES {
        let x = truths(shape, 1);
        let found = truth(&x);
        let any = |kept| fold(shape, kept, false, |any, at| any | x[at]);
        let all = |kept| fold(shape, kept, true, |all, at| all & x[at]);
        let count = |kept| fold(shape, kept, 0, |count, at| count + i64::from(x[at]));
        same(&found.0, |[j, k]| any([None, Some(j), Some(k)]));
        same(&found.1, |[i, j]| all([Some(i), Some(j), None]));
        same(&found.2, |[i, k]| count([Some(i), None, Some(k)]));
        let everything = [None; 3];
        assert_eq!(found.3, any(everything));
        assert_eq!(found.4, all(everything));
        assert_eq!(found.5, count(everything));
    }
}

#[defn]
fn places<T: Number>(
    x: Tensor<T, a, b, c>,
) -> (Tensor<i64, a, c>, Tensor<i64, a, b>, i64, Tensor<i64, b>) {
    (x.argmax(b), x.argmin(c), x.argmax(), x.argmin(a, c))
}

#[test]
fn places_of_extremes_are_the_first_ones() {
    for shape in SHAPES {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = whole::<$type, 3>(shape, 1);
                let found = places::<$type>(&x);
                let place = |kept, wins: fn(&$type, &$type) -> bool| {
                    let start = (0, 0, None);
                    let (_, place, _) = fold(shape, kept, start, |(count, place, best), at| match best {
                        Some(best) if !wins(&x[at], &best) => (count + 1, place, Some(best)),
                        _ => (count + 1, count, Some(x[at])),
                    });
                    i64::from(place)
                };
                same(&found.0, |[i, k]| place([Some(i), None, Some(k)], |x, y| x > y));
                same(&found.1, |[i, j]| place([Some(i), Some(j), None], |x, y| x < y));
                assert_eq!(found.2, place([None; 3], |x, y| x > y));
                same(&found.3, |[j]| place([None, Some(j), None], |x, y| x < y));
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
    let nan = Tensor::from_fn([1, 1, 3], |[_, _, k]| [1.0, f32::NAN, 5.0][k]);
    let (_, least, most, _) = places(&nan);
    assert_eq!((least.to_vec(), most), (vec![1], 1));
}

#[defn]
fn soft<T: Float>(
    x: Tensor<T, row, class>,
) -> (Tensor<T, row>, Tensor<T, row, class>, T, Tensor<T, row, class>) {
    let e = (x - x.max(class)).exp();
    (x.logsumexp(class), x.softmax(class), x.logsumexp(), e / e.sum(class))
}

fn soft_of<T: Float>()
where
    f64: From<T>,
{
    for shape in [[3, 5], [1, 1], [0, 4], [4, 0], [7, 33], [2, 64]] {
        // Numbers whose exponentials alone would overflow.
        let x = between::<T, 2>(shape, 1, (-800.0, 800.0));
        let found = soft::<T>(&x);
        let wide = x.cast::<f64>();
        let most =
            |i: usize| (0..shape[1]).fold(f64::NEG_INFINITY, |most, j| most.max(wide[[i, j]]));
        let sum = |i: usize| (0..shape[1]).map(|j| (wide[[i, j]] - most(i)).exp()).sum::<f64>();
        let log = |i: usize| if shape[1] == 0 { f64::NEG_INFINITY } else { most(i) + sum(i).ln() };
        // An exponent of some hundreds makes its own rounding a relative error of the result.
        let tolerance = 1000.0 * crate::support::epsilon::<T>();
        near(&found.0, tolerance, |[i]| log(i));
        near(&found.1, tolerance, |[i, j]| (wide[[i, j]] - most(i)).exp() / sum(i));
        near(&found.3, tolerance, |[i, j]| (wide[[i, j]] - most(i)).exp() / sum(i));
        let most = wide.iter().fold(f64::NEG_INFINITY, |most, x| most.max(*x));
        let all = wide.iter().map(|x| (x - most).exp()).sum::<f64>();
        let all = if wide.is_empty() { f64::NEG_INFINITY } else { most + all.ln() };
        near(&Tensor::<f64, 0>::from(f64::from(found.2)), tolerance, |_| all);
    }
}

#[test]
fn logsumexp_and_softmax_do_not_overflow() {
    soft_of::<f32>();
    soft_of::<f64>();
}

#[defn]
fn beside(x: Tensor<f32, a, b>, y: f32) -> (Tensor<f32, a, b>, Tensor<f32, b>, Tensor<f32, a>) {
    // With a value, `max` is Rust's; with an axis it reduces (R18).
    (x.max(y), x.max(a), x.max(0.5).min(b))
}

#[test]
fn max_with_a_value_and_with_an_axis() {
    let x = floats::<f32, 2>([5, 3], 1);
    let found = beside(&x, 0.25);
    same(&found.0, |at| x[at].max(0.25));
    same(&found.1, |[j]| (0..5).fold(f32::NEG_INFINITY, |most, i| most.max(x[[i, j]])));
    same(&found.2, |[i]| (0..3).fold(f32::INFINITY, |least, j| least.min(x[[i, j]].max(0.5))));
}

#[defn]
fn totals(x: Tensor<f32, n, m>) -> (f32, Tensor<f32, n>, Tensor<f32, m>) {
    (x.sum(), x.sum(m), x.sum(n))
}

/// An error of a sum in blocks: at most 3 times 128 additions to one number, each rounded to half of 2⁻²³.
/// One after the other, ten million of them are off by 9 %.
const BLOCKED: f64 = 384.0 / (1u64 << 24) as f64;

#[test]
fn long_sums_keep_their_digits() {
    let close = |found: f32, count: f64| {
        let error = f64::from(found) / (count * f64::from(0.1f32)) - 1.0;
        assert!(error.abs() <= BLOCKED, "{error:e}");
    };
    for [n, m] in [[1, 4_000_000], [4_000_000, 1], [2000, 2000]] {
        let (all, rows, columns) = totals(&Tensor::full([n, m], 0.1));
        close(all, (n * m) as f64);
        rows.iter().for_each(|sum| close(*sum, m as f64));
        columns.iter().for_each(|sum| close(*sum, n as f64));
    }
}

#[defn]
fn ends<T: Float>(x: Tensor<T, row, column>) -> (Tensor<T, row>, Tensor<T, row>, T, T) {
    (x.max(column), x.min(column), x.max(), x.min())
}

/// One NaN makes a row NaN, wherever it stands and whatever its sign, and makes no other row so. Zeros are ordered.
#[test]
fn extremes_of_rows_of_any_length_see_nan() {
    macro_rules! check {
        ($($element:ident)*) => {$({
            for columns in [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 128, 200, 4097] {
                let step = (columns / 70).max(1);
                for place in (0..columns).step_by(step) {
                    let nan = if place % 2 == 0 { $element::NAN } else { -$element::NAN };
                    let element = |[row, column]: [usize; 2]| match row {
                        1 if column == place => nan,
                        2 => if column == place { 0.0 } else { -0.0 },
                        _ => ((row * 31 + column * 17) % 101) as $element - 50.0,
                    };
                    let x = Tensor::from_fn([4, columns], element);
                    let (most, least, all_most, all_least) = ends(&x);
                    for row in [0, 3] {
                        let numbers = || (0..columns).map(|column| element([row, column]));
                        assert_eq!(most[[row]], numbers().fold($element::NEG_INFINITY, $element::max));
                        assert_eq!(least[[row]], numbers().fold($element::INFINITY, $element::min));
                    }
                    assert!(most[[1]].is_nan() && least[[1]].is_nan(), "{columns} {place}");
                    assert!(all_most.is_nan() && all_least.is_nan(), "{columns} {place}");
                    assert!(most[[2]] == 0.0 && most[[2]].is_sign_positive());
                    assert_eq!(least[[2]].is_sign_negative(), columns > 1);
                }
            }
        })*};
    }
    check! { f32 f64 }
}
