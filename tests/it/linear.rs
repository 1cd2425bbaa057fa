//! Small systems of linear equations, as users write them: loops that store into rows, mapped over many systems.

use crate::support::{floats, near, same, slopes, whole};
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
