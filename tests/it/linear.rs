//! Small systems of linear equations, as users write them: loops that store into rows, mapped over many systems.

use crate::support::{SLOPE, STEP, epsilon, floats, near, same, slopes, whole};
use defn::prelude::*;

/// Rounding errors of a few hundred operations, which the systems of the tests make ten times as large.
const SOLVED: f64 = 1e-11;

/// Nothing, one, too few for lanes, and around their widths.
const EXTENTS: [usize; 6] = [0, 1, 5, 8, 17, 33];

/// Gaussian elimination with the largest pivot of each column, which its position says.
#[defn]
fn eliminated(a: Tensor<f64, row<4>, column<4>>, b: Tensor<f64, row<4>>) -> Tensor<f64, row<4>> {
    let (mut a, mut x) = (a, b);
    for k in 0..4 {
        let p = select(iota(row = 4) < k, -1.0, a.at(column, k).abs()).argmax(row);
        let (upper, pivot) = (a.at(row, k), a.at(row, p));
        a[(p, ..)] = upper;
        a[(k, ..)] = pivot;
        let (upper, known) = (x.at(row, k), x.at(row, p));
        x[p] = upper;
        x[k] = known;
        let factor = a.at(column, k) * (1.0 / pivot.at(column, k));
        let below = iota(row = 4) > k;
        a = select(below, a - factor * pivot, a);
        x = select(below, x - factor * known, x);
    }
    for k in (0..4).rev() {
        let behind = iota(column = 4) > k;
        let known = select(behind, a.at(row, k), 0.0).dot(x.rename(row, column), column);
        x[k] = (x.at(row, k) - known) / a[(k, k)];
    }
    x
}

/// The same where rows rise one by one.
#[defn]
fn sifted(a: Tensor<f64, row<4>, column<4>>, b: Tensor<f64, row<4>>) -> Tensor<f64, row<4>> {
    let (mut a, mut x) = (a, b);
    for k in 0..4 {
        for i in 0..4 {
            let (upper, lower) = (a.at(row, k), a.at(row, i));
            let swap = (i > k) & (lower.at(column, k).abs() > upper.at(column, k).abs());
            a[(k, ..)] = select(swap, lower, upper);
            a[(i, ..)] = select(swap, upper, lower);
            let (upper, lower) = (x.at(row, k), x.at(row, i));
            x[k] = select(swap, lower, upper);
            x[i] = select(swap, upper, lower);
        }
        let factor = a.at(column, k) / a[(k, k)];
        let below = iota(row = 4) > k;
        x = select(below, x - factor * x.at(row, k), x);
        a = select(below, a - factor * a.at(row, k), a);
    }
    for k in (0..4).rev() {
        let behind = select(iota(column = 4) > k, a.at(row, k), 0.0);
        x[k] = (x.at(row, k) - behind.dot(x.rename(row, column), column)) / a[(k, k)];
    }
    x
}

#[defn]
fn many(
    a: Tensor<f64, system, row<4>, column<4>>,
    b: Tensor<f64, system, row<4>>,
) -> (Tensor<f64, system, row<4>>, Tensor<f64, system, row<4>>) {
    (vmap!(eliminated, over = system)(a, b), vmap!(sifted, over = system)(a, b))
}

#[defn]
fn energy(a: Tensor<f64, system, row<4>, column<4>>, b: Tensor<f64, system, row<4>>) -> f64 {
    let (x, y) = many(a, b);
    (x * x + 2.0 * y).sum()
}

fn systems(count: usize) -> (Tensor<f64, 3>, Tensor<f64, 2>) {
    let noise = floats::<f64, 3>([count, 4, 4], 1);
    // The rows are turned, so that every system needs its pivots.
    let a = Tensor::from_fn([count, 4, 4], |[k, row, column]| {
        noise[[k, row, column]] + if (row + k) % 4 == column { 6.0 } else { 0.0 }
    });
    (a, floats([count, 4], 2))
}

#[test]
fn many_systems_are_solved() {
    for count in EXTENTS {
        let (a, b) = systems(count);
        let (x, y) = many(&a, &b);
        for x in [x, y] {
            let product = Tensor::<f64, 2>::from_fn([count, 4], |[k, row]| {
                (0..4).map(|column| a[[k, row, column]] * x[[k, column]]).sum()
            });
            near(&product, SOLVED, |at| b[at]);
        }
        let one = |k: usize| {
            let (a, b) = (&a, &b);
            let a = Tensor::<f64, 2>::from_fn([4, 4], |[row, column]| a[[k, row, column]]);
            eliminated(&a, &Tensor::<f64, 1>::from_fn([4], |[row]| b[[k, row]]))
        };
        let (x, _) = many(&a, &b);
        near(&x, SOLVED, |[k, row]| one(k)[[row]]);
    }
}

#[test]
fn gradients_of_many_systems() {
    let (a, b) = systems(9);
    slopes(&grad!(energy)(&a, &b), &a, |a| energy(a, &b));
    slopes(&grad!(energy, wrt = b)(&a, &b), &b, |b| energy(&a, b));
}

#[test]
fn a_singular_system_has_no_finite_solution() {
    let (mut a, b) = systems(9);
    for column in 0..4 {
        a[[3, 2, column]] = 0.0;
    }
    let (x, y) = many(&a, &b);
    for x in [x, y] {
        assert!((0..4).any(|row| !x[[3, row]].is_finite()));
        assert!((0..4).all(|row| x[[4, row]].is_finite()));
    }
}

/// Rows are put where data say, added to where data say, and read where data say.
#[defn]
fn moved_rows(
    x: Tensor<i64, case, row<3>, column<2>>,
    at: Tensor<i64, case, step<5>>,
) -> Tensor<i64, case, row<3>, column<2>> {
    vmap!(walk, over = case)(x, at)
}

#[defn]
fn walk(
    x: Tensor<i64, row<3>, column<2>>,
    at: Tensor<i64, step<5>>,
) -> Tensor<i64, row<3>, column<2>> {
    let mut x = x;
    for i in 0..5 {
        let p = at.at(step, i);
        let taken = x.at(row, p);
        x[(p, ..)] = taken + x.at(row, i % 3);
        x[(p + 1, 0)] = i;
        x[p] += taken;
    }
    x
}

#[test]
fn rows_move_to_where_data_say() {
    for count in EXTENTS {
        let x = whole::<i64, 3>([count, 3, 2], 1);
        let at = whole::<i64, 2>([count, 5], 2).map(|p| p.rem_euclid(6) - 1);
        let twin = |k: usize| {
            let mut all = [0, 1, 2].map(|row| [x[[k, row, 0]], x[[k, row, 1]]]);
            for i in 0..5usize {
                let p = at[[k, i]];
                let taken = all[p.clamp(0, 2) as usize];
                let other = all[i % 3];
                let inside = |p: i64| usize::try_from(p).ok().filter(|p| *p < 3);
                if let Some(p) = inside(p) {
                    all[p] = [taken[0] + other[0], taken[1] + other[1]];
                }
                if let Some(p) = inside(p + 1) {
                    all[p][0] = i as i64;
                }
                if let Some(p) = inside(p) {
                    all[p] = [all[p][0] + taken[0], all[p][1] + taken[1]];
                }
            }
            all
        };
        same(&moved_rows(&x, &at), |[k, row, column]| twin(k)[row][column]);
    }
}

macro_rules! factors {
    ($($name:ident $element:ident $n:literal)*) => {
        $(
            #[defn]
            fn $name(
                a: Tensor<$element, batch, row<$n>, column<$n>>,
            ) -> Tensor<$element, batch, row<$n>, column<$n>> {
                a.cholesky(row, column)
            }
        )*

        #[test]
        fn factors_of_known_extents() {
            for count in [0, 1, 2, 9] {
                $(
                    let a = definite(count, $n).cast::<$element>();
                    is_factor(&$name(&a), &a);
                )*
            }
        }
    };
}
factors! {
    factor_0 f64 0
    factor_1 f64 1
    factor_2 f32 2
    factor_3 f64 3
    factor_31 f64 31
    factor_32 f32 32
    factor_33 f64 33
    factor_67 f32 67
    factor_96 f64 96
}

/// Over axes that do not stand last.
#[defn]
fn factor(a: Tensor<f64, column<n>, batch, row<n>>) -> Tensor<f64, column<n>, batch, row<n>> {
    a.cholesky(row, column)
}

#[defn]
fn weighed(a: Tensor<f64, row<n>, column<n>>) -> f64 {
    let l = a.cholesky(row, column);
    (l * l * l + (iota(row) + 2 * iota(column)) as f64 * l).sum()
}

#[defn]
fn weighed_37(a: Tensor<f64, row<37>, column<37>>) -> f64 {
    let l = a.cholesky(row, column);
    (l * l * l + (iota(row) + 2 * iota(column)) as f64 * l).sum()
}

/// Matrices that are positive definite, and something else above their diagonals, where nothing is read.
fn definite(count: usize, n: usize) -> Tensor<f64, 3> {
    let m = floats::<f64, 3>([count, n, n], 3);
    Tensor::from_fn([count, n, n], |[k, row, column]| {
        let dot: f64 = (0..n).map(|i| m[[k, row, i]] * m[[k, column, i]]).sum();
        match row.cmp(&column) {
            std::cmp::Ordering::Less => f64::NAN,
            std::cmp::Ordering::Equal => dot + n as f64,
            std::cmp::Ordering::Greater => dot,
        }
    })
}

#[track_caller]
fn is_factor<T: Float>(l: &Tensor<T, 3>, a: &Tensor<T, 3>) {
    let n = a.shape()[1];
    assert_eq!(l.shape(), a.shape());
    let (l, a) = (l.cast::<f64>(), a.cast::<f64>());
    for [k, row, column] in places(a.shape()) {
        if row < column {
            assert!(l[[k, row, column]] == 0.0);
            continue;
        }
        let back: f64 = (0..n).map(|i| l[[k, row, i]] * l[[k, column, i]]).sum();
        // A sum of so many products, of a row and a column as long as the roots of their diagonal elements.
        let size = (a[[k, row, row]] * a[[k, column, column]]).sqrt();
        let apart = (back - a[[k, row, column]]).abs();
        let tolerated = 4.0 * (n + 4) as f64 * epsilon::<T>() * size;
        assert!(apart <= tolerated, "{back:e} at {row}, {column}, apart by {apart:e}");
    }
}

fn places([count, rows, columns]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let of_matrix =
        move |k: usize| (0..rows * columns).map(move |at| [k, at / columns, at % columns]);
    (0..count).flat_map(of_matrix)
}

#[test]
fn factors_of_any_extents() {
    for count in [0, 1, 3] {
        for n in [0, 1, 2, 5, 8, 17, 40] {
            let a = definite(count, n);
            let turned = Tensor::from_fn([n, count, n], |[column, k, row]| a[[k, row, column]]);
            let l = factor(&turned);
            is_factor(&Tensor::from_fn(a.shape(), |[k, row, column]| l[[column, k, row]]), &a);
        }
    }
}

/// A matrix that is positive definite.
fn symmetric(n: usize) -> Tensor<f64, 2> {
    let a = definite(1, n);
    Tensor::from_fn([n, n], |[i, j]| a[[0, i.max(j), i.min(j)]])
}

#[test]
fn gradients_of_factors() {
    for n in [1, 2, 6] {
        let a = symmetric(n);
        slopes(&grad!(weighed)(&a), &a, weighed);
    }
    let a = symmetric(37);
    let gradient = grad!(weighed_37)(&a);
    for seed in 0..3 {
        let along = floats::<f64, 2>([37, 37], 10 + seed);
        let moved = |by: f64| weighed_37(&Tensor::from_fn([37, 37], |at| a[at] + by * along[at]));
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let found: f64 = gradient.iter().zip(along.iter()).map(|(g, d)| g * d).sum();
        assert!((found - expected).abs() <= 1e3 * SLOPE * expected.abs(), "{found:e} {expected:e}");
    }
}

#[test]
fn what_is_not_definite_has_no_factor() {
    let mut a = definite(2, 33);
    a[[1, 5, 5]] = -1.0;
    let l = factor_33(&a);
    is_factor(&Tensor::from_fn([1, 33, 33], |at| l[at]), &Tensor::from_fn([1, 33, 33], |at| a[at]));
    assert!((5..33).all(|row| l[[1, row, 5]].is_nan()));
}
