//! Systems of linear equations, and factorizations of matrices.

use defn::prelude::*;

use crate::inputs::normal;
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{Near, check, within};

/// Gaussian elimination with the largest pivot of each column.
#[defn]
fn solve(a: Tensor<f32, row<6>, column<6>>, b: Tensor<f32, row<6>>) -> Tensor<f32, row<6>> {
    let (mut a, mut x) = (a, b);
    for k in 0..6 {
        for i in 0..6 {
            let (upper, lower) = (a.at(row, k), a.at(row, i));
            let is_larger = lower.at(column, k).abs() > upper.at(column, k).abs();
            let swap = (i > k) & is_larger;
            a[(k, ..)] = select(swap, lower, upper);
            a[(i, ..)] = select(swap, upper, lower);
            let (upper, lower) = (x.at(row, k), x.at(row, i));
            x[k] = select(swap, lower, upper);
            x[i] = select(swap, upper, lower);
        }
        let (pivot, known) = (a.at(row, k), x.at(row, k));
        let factor = a.at(column, k) * (1.0 / pivot.at(column, k));
        let below = iota(row = 6) > k;
        a = select(below, a - factor * pivot, a);
        x = select(below, x - factor * known, x);
    }
    for k in (0..6).rev() {
        let behind = iota(column = 6) > k;
        let known = select(behind, a.at(row, k), 0.0).dot(x.rename(row, column), column);
        x[k] = (x.at(row, k) - known) / a[(k, k)];
    }
    x
}

#[defn]
fn solve_all(
    a: Tensor<f32, system, row<6>, column<6>>,
    b: Tensor<f32, system, row<6>>,
) -> Tensor<f32, system, row<6>> {
    vmap!(solve, over = system)(a, b)
}

pub(crate) fn solve_10k_6x6(stopwatch: &Stopwatch) -> Verdict<Times> {
    let noise = normal([10_000, 36], 1);
    let a = Tensor::from_fn([10_000, 6, 6], |[system, row, column]| {
        noise[[system, 6 * row + column]] + if row == column { 6.0 } else { 0.0 }
    });
    let b = normal([10_000, 6], 2);
    let expected = || (0..10_000).flat_map(|system| solved(&a, &b, system)).collect::<Vec<_>>();
    stopwatch.time(
        &(a.clone(), b.clone()),
        |(a, b)| solve_all(a, b),
        |(a, b), x| solve_all::into(a, b, x),
        |x| check(x, &expected()),
    )
}

/// The solution of a system; errors grow by as much as the system makes of them, which its inverse says.
fn solved(a: &Tensor<f32, 3>, b: &Tensor<f32, 2>, system: usize) -> [Near; 6] {
    let at = |row: usize, column: usize| f64::from(a[[system, row, column]]);
    // The sides: the right one, and those of the inverse.
    let mut rows: [[f64; 13]; 6] = std::array::from_fn(|row| {
        std::array::from_fn(|column| match column {
            0..6 => at(row, column),
            6 => f64::from(b[[system, row]]),
            _ => f64::from(u8::from(column - 7 == row)),
        })
    });
    for k in 0..6 {
        let p = (k..6).max_by(|p, q| rows[*p][k].abs().total_cmp(&rows[*q][k].abs()));
        rows.swap(k, p.unwrap_or(k));
        let pivot = rows[k].map(|value| value / rows[k][k]);
        rows[k] = pivot;
        for (_, other) in rows.iter_mut().enumerate().filter(|(row, _)| *row != k) {
            let factor = other[k];
            (0..13).for_each(|column| other[column] -= factor * pivot[column]);
        }
    }
    let x = rows.map(|row| row[6]);
    let largest = (0..36).map(|at_| at(at_ / 6, at_ % 6).abs()).fold(0.0, f64::max);
    let reach = x.iter().map(|x| x.abs()).sum::<f64>() * largest;
    std::array::from_fn(|row| {
        let grown: f64 = rows[row][7..].iter().map(|value| value.abs()).sum();
        within(x[row], 8.0 * f64::from(f32::EPSILON) * grown * reach)
    })
}

#[defn]
fn cholesky(a: Tensor<f32, row<512>, column<512>>) -> Tensor<f32, row<512>, column<512>> {
    a.cholesky(row, column)
}

pub(crate) fn cholesky_512(stopwatch: &Stopwatch) -> Verdict<Times> {
    const N: usize = 512;
    let m = normal([N, N], 1);
    let m: Vec<f64> = m.iter().copied().map(f64::from).collect();
    let dot = |i: usize, j: usize| -> f64 {
        m[N * i..][..N].iter().zip(&m[N * j..][..N]).map(|(a, b)| a * b).sum()
    };
    let a = Tensor::from_fn([N, N], |[i, j]| {
        (dot(i.max(j), i.min(j)) + if i == j { N as f64 } else { 0.0 }) as f32
    });
    let expected = || factored(&a);
    stopwatch.time(&a, |a| cholesky(a), cholesky::into, |l| check(l, &expected()))
}

/// The lower matrix row by row. Every element is a sum of `n` roundings, which are as large as a row.
fn factored(a: &Tensor<f32, 2>) -> Vec<Near> {
    let n = a.shape()[0];
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = l[n * i..][..j].iter().zip(&l[n * j..][..j]).map(|(a, b)| a * b).sum();
            let rest = f64::from(a[[i, j]]) - known;
            l[n * i + j] = if i == j { rest.sqrt() } else { rest / l[n * j + j] };
        }
    }
    let largest = l.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let error = 2.0 * (n as f64).sqrt() * f64::from(f32::EPSILON) * largest;
    l.into_iter().map(|value| within(value, if value == 0.0 { 0.0 } else { error })).collect()
}
