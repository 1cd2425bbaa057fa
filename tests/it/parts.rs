//! Assignment to parts of tensors: elements, rows, ranges; at positions that are known, computed, and not there.

use crate::support::{EXTENTS, floats, same, slopes, whole};
use defn::prelude::*;

#[defn]
fn rows(x: &mut Tensor<f32, row, column>, new: Tensor<f32, column>, at: i64) -> f32 {
    let mut y = *x;
    y[(at, ..)] = new;
    x[(at, ..)] += new;
    x[(.., at)] = zeros::<f32>(row);
    y.sum() - x.sum()
}

#[test]
fn rows_and_columns() {
    for [n, m] in [[0, 3], [1, 1], [3, 5], [9, 8]] {
        for at in [-1i64, 0, 2, 8] {
            let start = whole::<f32, 2>([n, m], 1);
            let new = whole::<f32, 1>([m], 2);
            let mut x = start.copied();
            let apart = rows(&mut x, &new, at);
            let is = |k: usize| k as i64 == at;
            let added = |i: usize, j: usize| match is(j) {
                true => 0.0,
                false => start[[i, j]] + if is(i) { new[[j]] } else { 0.0 },
            };
            same(&x, |[i, j]| added(i, j));
            let replaced = |i: usize, j: usize| if is(i) { new[[j]] } else { start[[i, j]] };
            let all = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
            let sum: f32 = all.map(|(i, j)| replaced(i, j) - added(i, j)).sum();
            assert_eq!(apart, sum);
        }
    }
}

#[defn]
fn ranges(x: Tensor<i64, a, b, c>, inner: Tensor<i64, b, a<2>>) -> Tensor<i64, a, b, c> {
    let mut y = x;
    y[(1..3, .., 0)] = inner;
    y[(0, 1, 1..)] -= 7;
    y
}

#[test]
fn ranges_and_numbers() {
    let (x, inner) = (whole::<i64, 3>([4, 5, 3], 3), whole::<i64, 2>([5, 2], 4));
    same(&ranges(&x, &inner), |[i, j, k]| match (i, j, k) {
        (1 | 2, j, 0) => inner[[j, i - 1]],
        (0, 1, 1..) => x[[i, j, k]] - 7,
        _ => x[[i, j, k]],
    });
    assert!(ranges::try_call(&whole([2, 5, 3], 3), &inner).is_err());
}

#[defn]
fn histogram(x: Tensor<i64, n>, bins: usize) -> Tensor<i64, bin<bins>> {
    let mut counts = zeros::<i64>(bin = bins);
    for v in x.along(n) {
        counts[v] += 1;
    }
    counts
}

#[defn]
fn fibonacci(k: usize) -> Tensor<i64, step<k>> {
    let mut f = ones::<i64>(step = k);
    for i in 0..k {
        if i > 1 {
            f[i] = f[i - 1] + f[i - 2];
        }
    }
    f
}

#[test]
fn tables_that_a_loop_fills() {
    for n in EXTENTS {
        let x = whole::<i64, 1>([n], 5);
        same(&histogram(&x, 4), |[bin]| x.iter().filter(|v| **v == bin as i64).count() as i64);
        let mut f = vec![1i64; n];
        for i in 2..n {
            f[i] = f[i - 1] + f[i - 2];
        }
        same(&fibonacci(n), |[i]| f[i]);
    }
}

#[defn]
fn energy(x: Tensor<f64, n>, v: f64) -> f64 {
    let mut y = x * x;
    y[0] = v * v * v;
    y[1..3] += x.slice(n, 0..2);
    (y * y).sum()
}

#[test]
fn gradients_of_what_was_overwritten() {
    let x = floats::<f64, 1>([6], 6);
    slopes(&grad!(energy)(&x, 0.7), &x, |x| energy(x, 0.7));
    let v = Tensor::from([0.7]);
    let found = Tensor::from([grad!(energy, wrt = v)(&x, 0.7)]);
    slopes(&found, &v, |v| energy(&x, v[[0]]));
}
