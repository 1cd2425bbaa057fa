//! A Kalman filter: matrices carried through a `for`, the likelihood of what was observed, and its gradient with respect to the noise.

use crate::support::{SUM_F64, floats, near, slope};
use defn::prelude::*;

/// A linear system that is pushed by noise and seen through noise. Variances are positive, so that their logarithms are learned.
#[defn]
#[derive(Clone)]
struct System<n> {
    /// How the state goes on.
    step: Tensor<f64, i<n>, j<n>>,
    /// What is seen of it.
    seen: Tensor<f64, i<n>>,
    log_push: Tensor<f64, i<n>>,
    log_blur: f64,
}

/// What is known of the state: mean and covariance.
#[defn]
struct Belief<n> {
    mean: Tensor<f64, i<n>>,
    spread: Tensor<f64, i<n>, j<n>>,
}

/// A moment later.
#[defn]
fn predicted(s: System<n>, b: Belief<n>) -> Belief<n> {
    let mean = s.step.dot(b.mean.rename(i, j), j);
    let half = s.step.dot(b.spread.rename(i, k), j);
    let push = eye::<f64>(i = n, j = n) * s.log_push.exp();
    let whole = half.dot(s.step.rename(i, l).rename(j, k), k);
    Belief { mean, spread: whole.rename(l, j) + push }
}

/// What an observation says, and the logarithm of its density.
#[defn]
fn corrected(s: System<n>, b: Belief<n>, y: f64) -> (Belief<n>, f64) {
    let toward = b.spread.dot(s.seen.rename(i, j), j);
    let variance = (toward * s.seen).sum() + s.log_blur.exp();
    let surprise = y - (b.mean * s.seen).sum();
    let gain = toward / variance;
    let mean = b.mean + gain * surprise;
    let spread = b.spread - gain * toward.rename(i, j);
    let density = -0.5 * (surprise.square() / variance + (std::f64::consts::TAU * variance).ln());
    (Belief { mean, spread }, density)
}

/// The logarithm of the density of all observations, and what is known at last.
#[defn]
fn filter(s: System<n>, start: Belief<n>, ys: Tensor<f64, time>) -> (f64, Belief<n>) {
    let mut belief = start;
    let mut total = 0.0_f64;
    for y in ys.along(time) {
        let (next, density) = corrected(s, predicted(s, belief), y);
        belief = next;
        total += density;
    }
    (total, belief)
}

fn system(n: usize) -> System {
    System {
        step: Tensor::from_fn([n, n], |[i, j]| match j.cmp(&i) {
            std::cmp::Ordering::Equal => 0.9,
            std::cmp::Ordering::Greater => 0.3 / (j - i) as f64,
            std::cmp::Ordering::Less => 0.0,
        }),
        seen: Tensor::from_fn([n], |[i]| 1.0 / (i + 1) as f64),
        log_push: floats([n], 3),
        log_blur: -0.5,
    }
}

fn start(n: usize) -> Belief {
    Belief {
        mean: floats([n], 4),
        spread: Tensor::from_fn([n, n], |[i, j]| if i == j { 1.5 } else { 0.2 }),
    }
}

/// The same density at once: all observations are one normal vector, whose covariance is factored.
fn density(s: &System, b: &Belief, ys: &Tensor<f64, 1>) -> f64 {
    let [n] = s.seen.shape();
    let times = ys.len();
    let applied = |v: &[f64]| -> Vec<f64> {
        (0..n).map(|i| (0..n).map(|j| s.step[[i, j]] * v[j]).sum()).collect()
    };
    // What is seen at each time of what is there at the start, and of what is pushed at each time.
    let seen_of = |mut v: Vec<f64>, first: usize| -> Vec<f64> {
        let mut seen = vec![0.0; times];
        for seen in &mut seen[first..] {
            *seen = (0..n).map(|i| s.seen[[i]] * v[i]).sum();
            v = applied(&v);
        }
        seen
    };
    let unit = |k: usize| (0..n).map(|i| if i == k { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    let from_start: Vec<Vec<f64>> = (0..n).map(|k| seen_of(applied(&unit(k)), 0)).collect();
    let mut covariance = vec![vec![0.0; times]; times];
    for a in 0..times {
        covariance[a][a] += s.log_blur.exp();
        for b_ in 0..times {
            for i in 0..n {
                for j in 0..n {
                    covariance[a][b_] += from_start[i][a] * b.spread[[i, j]] * from_start[j][b_];
                }
            }
        }
    }
    for first in 0..times {
        for k in 0..n {
            let seen = seen_of(unit(k), first);
            for a in 0..times {
                for b_ in 0..times {
                    covariance[a][b_] += s.log_push[[k]].exp() * seen[a] * seen[b_];
                }
            }
        }
    }
    let mean = seen_of(applied(&b.mean.to_vec()), 0);
    let mut rest: Vec<f64> = (0..times).map(|t| ys[[t]] - mean[t]).collect();
    let mut total = -0.5 * times as f64 * std::f64::consts::TAU.ln();
    for k in 0..times {
        let pivot = covariance[k][k].sqrt();
        rest[k] /= pivot;
        total -= pivot.ln() + 0.5 * rest[k] * rest[k];
        let row: Vec<f64> = covariance[k].iter().map(|x| x / pivot).collect();
        for a in k + 1..times {
            rest[a] -= row[a] * rest[k];
            for b_ in k + 1..times {
                covariance[a][b_] -= row[a] * row[b_];
            }
        }
    }
    total
}

/// Factoring a matrix of 20 observations, and carrying one through 20 steps, lose about two digits.
const FACTORED: f64 = SUM_F64 * 100.0;

#[test]
fn the_likelihood_is_that_of_one_normal_vector() {
    for (n, times) in [(1, 0), (1, 7), (2, 20), (3, 11)] {
        let (s, b, ys) = (system(n), start(n), floats::<f64, 1>([times], 5));
        let (found, _) = filter(&s, &b, &ys);
        near(&Tensor::from(found), FACTORED, |_| density(&s, &b, &ys));
    }
}

#[test]
fn the_gradient_with_respect_to_the_noise() {
    for (n, times) in [(1, 7), (2, 20), (3, 11)] {
        let (s, b, ys) = (system(n), start(n), floats::<f64, 1>([times], 5));
        let (g, _) = grad!(filter)(&s, &b, &ys);
        let of = |change: &dyn Fn(&mut System)| {
            let mut other = s.clone();
            change(&mut other);
            density(&other, &b, &ys)
        };
        let push = slope(&s.log_push, |x| of(&|s| s.log_push = x.clone()));
        near(&g.log_push, 1e-6, |at| push[at]);
        let blur = slope(&Tensor::from(s.log_blur), |x| of(&|s| s.log_blur = x[[]]));
        near(&Tensor::from(g.log_blur), 1e-6, |at| blur[at]);
        let step = slope(&s.step, |x| of(&|s| s.step = x.clone()));
        near(&g.step, 1e-6, |at| step[at]);
    }
}

#[test]
fn what_is_known_settles() {
    // A random walk of variance q, seen through variance r: p = q + p r / (p + r) has a root that is known.
    let (q, r) = (0.3_f64, 2.0_f64);
    let one = |x: f64| Tensor::from_fn([1], |_| x);
    let walk = System {
        step: Tensor::from_fn([1, 1], |_| 1.0),
        seen: one(1.0),
        log_push: one(q.ln()),
        log_blur: r.ln(),
    };
    let wide = Belief { mean: one(0.0), spread: Tensor::from_fn([1, 1], |_| 1e6) };
    let (_, last) = filter(&walk, &wide, &Tensor::zeros([200]));
    let before = 0.5 * (q + (q * q + 4.0 * q * r).sqrt());
    near(&last.spread, SUM_F64, |_| before * r / (before + r));
}
