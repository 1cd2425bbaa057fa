//! `a.solve(b, row, column)` and `a.inverse(row, column)`: values held against residuals, derivatives against differences.

use crate::support::{SLOPE, STEP, epsilon, floats, near, same, slopes};
use defn::prelude::*;

/// Matrices whose rows are turned, so that each needs its pivots.
fn matrices(count: usize, n: usize) -> Tensor<f64, 3> {
    let noise = floats::<f64, 3>([count, n, n], 1);
    Tensor::from_fn([count, n, n], |[k, row, column]| {
        let is_large = (row + k + 1) % n == column;
        noise[[k, row, column]] + if is_large { n as f64 } else { 0.0 }
    })
}

/// The residual of a solution is that of sums of `n` products, and the elimination has about as many.
#[track_caller]
fn is_solution<T: Float>(a: &Tensor<T, 3>, x: &Tensor<T, 3>, b: &Tensor<T, 3>) {
    let (a, x, b) = (a.cast::<f64>(), x.cast::<f64>(), b.cast::<f64>());
    let [count, n, sides] = b.shape();
    assert_eq!(x.shape(), [count, n, sides]);
    for (k, row, side) in places(count, n, sides) {
        let products = (0..n).map(|i| a[[k, row, i]] * x[[k, i, side]]);
        let size: f64 = products.clone().map(f64::abs).sum::<f64>() + b[[k, row, side]].abs();
        let apart = (products.sum::<f64>() - b[[k, row, side]]).abs();
        let tolerated = 16.0 * (n + 4) as f64 * epsilon::<T>() * size;
        assert!(apart <= tolerated, "{k}, {row}, {side}: apart by {apart:e} of {size:e}");
    }
}

fn places(count: usize, n: usize, sides: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..count * n * sides).map(move |at| (at / (n * sides), at / sides % n, at % sides))
}

macro_rules! systems {
    ($($name:ident $element:ident $n:literal)*) => {
        $(
            #[defn]
            fn $name(
                a: Tensor<$element, batch, row<$n>, column<$n>>,
                b: Tensor<$element, batch, row<$n>, side>,
            ) -> Tensor<$element, batch, column<$n>, side> {
                a.solve(b, row, column)
            }
        )*

        #[test]
        fn systems_of_known_extents() {
            for (count, sides) in [(0, 1), (1, 1), (2, 3), (9, 1), (1, 0)] {
                $(
                    let a = matrices(count, $n).cast::<$element>();
                    let b = floats::<$element, 3>([count, $n, sides], 2);
                    is_solution(&a, &$name(&a, &b), &b);
                )*
            }
        }
    };
}
systems! {
    solve_0 f64 0
    solve_1 f64 1
    solve_2 f32 2
    solve_6 f32 6
    solve_31 f64 31
    solve_32 f32 32
    solve_33 f64 33
    solve_67 f32 67
    solve_96 f64 96
}

#[defn]
fn solved(
    a: Tensor<f64, column<n>, batch, row<n>>,
    b: Tensor<f64, side, row<n>, batch>,
) -> Tensor<f64, side, column<n>, batch> {
    a.solve(b, row, column)
}

#[test]
fn axes_stand_where_they_stood() {
    for (count, n, sides) in [(1, 0, 1), (0, 3, 2), (1, 1, 1), (3, 5, 2), (2, 17, 1), (1, 40, 3)] {
        let (a, b) = (matrices(count, n), floats::<f64, 3>([count, n, sides], 2));
        let turned = Tensor::from_fn([n, count, n], |[column, k, row]| a[[k, row, column]]);
        let beside = Tensor::from_fn([sides, n, count], |[side, row, k]| b[[k, row, side]]);
        let x = solved(&turned, &beside);
        let x = Tensor::from_fn([count, n, sides], |[k, column, side]| x[[side, column, k]]);
        is_solution(&a, &x, &b);
    }
}

#[defn]
fn each_side(
    a: Tensor<f64, row<n>, column<n>>,
    b: Tensor<f64, row<n>, side>,
) -> Tensor<f64, side, column<n>> {
    vmap!(one_side, over = side, of = b)(a, b)
}

#[defn]
fn one_side(a: Tensor<f64, row<n>, column<n>>, b: Tensor<f64, row<n>>) -> Tensor<f64, column<n>> {
    a.solve(b, row, column)
}

#[defn]
fn each_system(
    a: Tensor<f64, system, row<n>, column<n>>,
    b: Tensor<f64, row<n>>,
) -> Tensor<f64, column<n>, system> {
    a.solve(b, row, column)
}

#[defn]
fn mapped_systems(
    a: Tensor<f64, system, row<n>, column<n>>,
    b: Tensor<f64, row<n>>,
) -> Tensor<f64, column<n>, system> {
    vmap!(one_side, over = system, of = a)(a, b)
}

#[test]
fn what_is_shared_is_shared() {
    let (a, b) = (matrices(3, 5), floats::<f64, 2>([5, 4], 2));
    let first = Tensor::<f64, 2>::from_fn([5, 5], |[i, j]| a[[0, i, j]]);
    let column = |side: usize| Tensor::<f64, 1>::from_fn([5], |[row]| b[[row, side]]);
    let many = each_side(&first, &b);
    near(&many, 1e-14, |[side, row]| one_side(&first, &column(side))[[row]]);
    let all = each_system(&a, &column(1));
    for k in 0..3 {
        let own = Tensor::<f64, 2>::from_fn([5, 5], |[i, j]| a[[k, i, j]]);
        let x = one_side(&own, &column(1));
        assert!((0..5).all(|row| (all[[row, k]] - x[[row]]).abs() < 1e-14));
    }
    let mapped = mapped_systems(&a, &column(1));
    same(&mapped, |at| all[at]);
}

#[defn]
fn energy(a: Tensor<f64, row<n>, column<n>>, b: Tensor<f64, row<n>, side>) -> f64 {
    let x = a.solve(b, row, column);
    (x * x * x + (iota(column) + 2 * iota(side)) as f64 * x).sum()
}

#[defn]
fn energy_37(a: Tensor<f64, row<37>, column<37>>, b: Tensor<f64, row<37>, side>) -> f64 {
    let x = a.solve(b, row, column);
    (x * x * x + (iota(column) + 2 * iota(side)) as f64 * x).sum()
}

#[defn]
fn steepness(a: Tensor<f64, row<n>, column<n>>, b: Tensor<f64, row<n>, side>) -> f64 {
    let (of_a, of_b) = grad!(energy, wrt = (a, b))(a, b);
    (of_a * of_a).sum() + (of_b * (1 + iota(side)) as f64).sum()
}

#[defn]
fn each_energy(a: Tensor<f64, row<n>, column<n>>, b: Tensor<f64, row<n>, side>) -> f64 {
    let x = each_side(a, b);
    (x * x * x + (iota(column) + 2 * iota(side)) as f64 * x).sum()
}

fn system(n: usize) -> (Tensor<f64, 2>, Tensor<f64, 2>) {
    let a = matrices(1, n);
    (Tensor::from_fn([n, n], |[i, j]| a[[0, i, j]]), floats([n, 2], 2))
}

#[test]
fn gradients_of_solutions() {
    for n in [1, 2, 6] {
        let (a, b) = system(n);
        slopes(&grad!(energy, wrt = a)(&a, &b), &a, |a| energy(a, &b));
        slopes(&grad!(energy, wrt = b)(&a, &b), &b, |b| energy(&a, b));
        slopes(&grad!(steepness, wrt = a)(&a, &b), &a, |a| steepness(a, &b));
        slopes(&grad!(steepness, wrt = b)(&a, &b), &b, |b| steepness(&a, b));
        let (of_a, of_b) = grad!(energy, wrt = (a, b))(&a, &b);
        let (mapped_a, mapped_b) = grad!(each_energy, wrt = (a, b))(&a, &b);
        near(&mapped_a, 1e-11, |at| of_a[at]);
        near(&mapped_b, 1e-11, |at| of_b[at]);
        let forward = jvp!(energy, wrt = (a, b))(&a, &b, &a, &b).1;
        let backward: f64 = of_a.iter().zip(a.iter()).map(|(g, d)| g * d).sum::<f64>()
            + of_b.iter().zip(b.iter()).map(|(g, d)| g * d).sum::<f64>();
        assert!((forward - backward).abs() < 1e-10 * (1.0 + backward.abs()));
    }
    let (a, b) = system(37);
    let gradient = grad!(energy_37, wrt = a)(&a, &b);
    for seed in 0..3 {
        let along = floats::<f64, 2>([37, 37], 10 + seed);
        let moved =
            |by: f64| energy_37(&Tensor::from_fn([37, 37], |at| a[at] + by * along[at]), &b);
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let found: f64 = gradient.iter().zip(along.iter()).map(|(g, d)| g * d).sum();
        assert!(
            (found - expected).abs() <= 1e3 * SLOPE * (1.0 + expected.abs()),
            "{found:e} {expected:e}"
        );
    }
}

/// Implicit steps of a diffusion: a system in each run of a loop, and in a loop of unknown length.
#[defn]
fn diffused(a: Tensor<f64, row<n>, column<n>>, b: Tensor<f64, row<n>>, steps: usize) -> f64 {
    let mut x = b;
    for _ in 0..steps {
        x = a.solve(x, row, column).rename(column, row);
    }
    let mut rounds = 0i64;
    while rounds < 2 && (x * x).sum() > 1e-9 {
        x = a.solve(x, row, column).rename(column, row);
        rounds += 1;
    }
    (x * (1 + iota(row)) as f64).sum()
}

#[test]
fn gradients_through_loops() {
    let (a, b) = system(4);
    let b = Tensor::<f64, 1>::from_fn([4], |[row]| b[[row, 0]]);
    for steps in [0, 1, 3] {
        slopes(&grad!(diffused, wrt = a)(&a, &b, steps), &a, |a| diffused(a, &b, steps));
        slopes(&grad!(diffused, wrt = b)(&a, &b, steps), &b, |b| diffused(&a, b, steps));
    }
}

#[test]
fn a_singular_system_has_no_finite_solution() {
    let b = floats::<f64, 3>([2, 33, 1], 2);
    let mut a = matrices(2, 33);
    for column in 0..33 {
        a[[0, 7, column]] = 0.0;
    }
    let x = solve_33(&a, &b);
    assert!((0..33).any(|row| !x[[0, row, 0]].is_finite()));
    assert!((0..33).all(|row| x[[1, row, 0]].is_finite()));
    let (a, b) = (a.cast::<f32>(), b.cast::<f32>());
    let of = |k: usize| Tensor::<f32, 3>::from_fn([1, 6, 6], |[_, i, j]| a[[k, i + 3, j]]);
    let side = Tensor::<f32, 3>::from_fn([1, 6, 1], |[_, i, _]| b[[0, i, 0]]);
    assert!(solve_6(&of(0), &side).iter().any(|x| !x.is_finite()));
}

/// What only changes places is exact.
#[test]
fn permutations_are_undone() {
    for n in [5, 33] {
        let (a, b) = system(n);
        let a = a.map(|x| f64::from(u8::from(x > n as f64 / 2.0)));
        let x = solved(
            &Tensor::from_fn([n, 1, n], |[column, _, row]| a[[row, column]]),
            &Tensor::from_fn([2, n, 1], |[side, row, _]| b[[row, side]]),
        );
        for row in 0..n {
            assert_eq!(x[[1, (row + 1) % n, 0]], b[[row, 1]]);
        }
    }
}

#[defn]
fn inverted(a: Tensor<f64, row<n>, batch, column<n>>) -> Tensor<f64, row<n>, batch, column<n>> {
    a.inverse(row, column)
}

#[defn]
fn trace_of_inverse(a: Tensor<f64, row<n>, column<n>>) -> f64 {
    let inverse = a.inverse(row, column);
    (inverse * inverse * (1 + iota(row)) as f64 - inverse * iota(column) as f64).sum()
}

#[test]
fn inverses() {
    for n in [0, 1, 4, 19] {
        let a = matrices(2, n);
        let found = inverted(&Tensor::from_fn([n, 2, n], |[i, k, j]| a[[k, i, j]]));
        let found = Tensor::from_fn([2, n, n], |[k, i, j]| found[[i, k, j]]);
        is_solution(
            &a,
            &found,
            &Tensor::from_fn([2, n, n], |[_, i, j]| f64::from(u8::from(i == j))),
        );
    }
    let (a, _) = system(4);
    slopes(&grad!(trace_of_inverse)(&a), &a, trace_of_inverse);
}
