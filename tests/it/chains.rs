//! Hamiltonian Monte Carlo: keys, leapfrogs in a loop, a branch that accepts, and many chains by `vmap!`.
//!
//! The posterior of a linear model with normal noise is normal, and a formula gives its mean and its covariance.

use crate::support::floats;
use defn::prelude::*;

/// What was measured.
#[defn]
struct Samples {
    x: Tensor<f64, sample, feature>,
    y: Tensor<f64, sample>,
}

/// The energy of weights: minus the logarithm of their posterior, up to a constant. Noise has variance 1/4, weights have 1.
#[defn]
fn energy(w: Tensor<f64, feature>, s: Samples) -> f64 {
    2.0 * (s.x.dot(w, feature) - s.y).square().sum() + 0.5 * w.square().sum()
}

/// A chain: the mean and the mean square of its draws, and how many of its moves were accepted.
#[defn]
fn one_chain(
    key: Key,
    start: Tensor<f64, feature>,
    s: Samples,
    draws: i64,
    step: f64,
) -> (Tensor<f64, feature>, Tensor<f64, feature>, f64) {
    let mut w = start;
    let mut sum = w.zeros_like();
    let mut squares = w.zeros_like();
    let mut accepted = 0.0_f64;
    for draw in -100..draws {
        let (push, coin) = key.fold_in(draw).split();
        let speed = normal::<f64>(push, feature);
        // Leapfrog: half a push, whole moves and pushes in turn, half a push.
        let mut q = w;
        let mut p = speed - 0.5 * step * grad!(energy)(q, s);
        for _ in 0..7 {
            q += step * p;
            p -= step * grad!(energy)(q, s);
        }
        q += step * p;
        p -= 0.5 * step * grad!(energy)(q, s);
        let before = energy(w, s) + 0.5 * speed.square().sum();
        let after = energy(q, s) + 0.5 * p.square().sum();
        let lucky = uniform::<f64>(coin, ()).ln() < before - after;
        if lucky {
            w = q;
        }
        // The first hundred draws remember the start.
        if draw >= 0 {
            sum += w;
            squares += w.square();
            if lucky {
                accepted += 1.0;
            }
        }
    }
    let count = draws as f64;
    (sum / count, squares / count, accepted / count)
}

/// Chains from one key.
#[defn]
fn chains(
    key: Key,
    start: Tensor<f64, chain, feature>,
    s: Samples,
    draws: i64,
) -> (Tensor<f64, chain, feature>, Tensor<f64, chain, feature>, Tensor<f64, chain>) {
    let keys = key.split(chain);
    vmap!(one_chain, over = chain, of = (key, start))(keys, start, s, draws, 0.08)
}

/// The inverse of a symmetric positive matrix, by elimination.
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for (k, row) in a.iter_mut().enumerate() {
        row.extend((0..n).map(|j| if j == k { 1.0 } else { 0.0 }));
    }
    for k in 0..n {
        let pivot = a[k][k];
        a[k].iter_mut().for_each(|x| *x /= pivot);
        let row = a[k].clone();
        for (_, other) in a.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let by = other[k];
            other.iter_mut().zip(&row).for_each(|(x, y)| *x -= by * y);
        }
    }
    a.into_iter().map(|row| row[n..].to_vec()).collect()
}

/// Means of 64 chains that know nothing of each other: five times the error of their mean is exceeded once in a million.
const ERRORS: f64 = 5.0;

#[test]
fn the_posterior_is_the_known_one() {
    const CHAINS: usize = 64;
    let (samples, features) = (20, 3);
    let (x, y) = (floats::<f64, 2>([samples, features], 1), floats::<f64, 1>([samples], 2));
    let precision: Vec<Vec<f64>> = (0..features)
        .map(|i| {
            (0..features)
                .map(|j| {
                    let products = (0..samples).map(|s| x[[s, i]] * x[[s, j]]);
                    4.0 * products.sum::<f64>() + if i == j { 1.0 } else { 0.0 }
                })
                .collect()
        })
        .collect();
    let covariance = inverse(precision);
    let toward: Vec<f64> =
        (0..features).map(|i| (0..samples).map(|s| 4.0 * x[[s, i]] * y[[s]]).sum()).collect();
    let mean: Vec<f64> =
        (0..features).map(|i| (0..features).map(|j| covariance[i][j] * toward[j]).sum()).collect();

    let data = Samples { x, y };
    let start = floats::<f64, 2>([CHAINS, features], 3);
    let (means, squares, accepted) = chains(Key::new(7), &start, &data, 500);
    assert!(accepted.iter().all(|share| *share > 0.6 && *share <= 1.0), "{accepted}");
    let count = CHAINS as f64;
    for i in 0..features {
        for (found, expected) in
            [(&means, mean[i]), (&squares, covariance[i][i] + mean[i] * mean[i])]
        {
            let average = (0..CHAINS).map(|c| found[[c, i]]).sum::<f64>() / count;
            let spread = (0..CHAINS).map(|c| (found[[c, i]] - average).powi(2)).sum::<f64>();
            let error = (spread / (count - 1.0) / count).sqrt();
            assert!(
                (average - expected).abs() < ERRORS * error,
                "{average} instead of {expected}, where {error} is usual"
            );
            assert!(error < 0.02 * covariance[i][i].sqrt().max(expected.abs()));
        }
    }
    // The same chain alone has the same draws.
    let keys = split_keys(Key::new(7), CHAINS);
    let key = defn::at::<Key>(&keys, 5);
    let alone = one_chain(key, &start.index_axis(0, 5).copied(), &data, 500, 0.08);
    for i in 0..features {
        assert!((alone.0[[i]] - means[[5, i]]).abs() < 1e-9);
    }
}

#[defn]
fn split_keys(key: Key, n: usize) -> Tensor<u64, n> {
    key.split(n)
}
