//! Loops over sequences: cells, integrators, filters; with containers as state, and gradients.

use crate::support::{EXTENTS, SUM_F64, floats, near, same, whole};
use defn::prelude::*;

#[defn]
fn running(x: Tensor<i64, batch, time>) -> (Tensor<i64, time, batch>, Tensor<i64, batch>) {
    let mut sum = zeros::<i64>(batch);
    let sums = for v in x.along(time) {
        sum += v;
        sum
    };
    (sums, sum)
}

#[defn]
fn suffix(x: Tensor<i64, time>, y: Tensor<i64, time>) -> Tensor<i64, time> {
    let mut sum = 0i64;
    for (a, b) in (x, y).along(time).rev() {
        sum = sum * 3 + a - b;
        sum
    }
}

#[test]
fn recurrences_of_integers() {
    for n in EXTENTS {
        for batch in [0, 1, 5] {
            let x = whole::<i64, 2>([batch, n], 1);
            let (sums, last) = running(&x);
            same(&sums, |[t, b]| (0..=t).map(|k| x[[b, k]]).sum());
            same(&last, |[b]| (0..n).map(|k| x[[b, k]]).sum());
        }
        let (x, y) = (whole::<i64, 1>([n], 2), whole::<i64, 1>([n], 3));
        same(&suffix(&x, &y), |[t]| {
            (t..n).rev().fold(0i64, |sum, k| sum.wrapping_mul(3).wrapping_add(x[[k]] - y[[k]]))
        });
    }
}

#[defn]
#[derive(Clone)]
struct Gru<inp, hidden> {
    wz: Tensor<f64, inp, hidden>,
    uz: Tensor<f64, hidden, next<hidden>>,
    wh: Tensor<f64, inp, hidden>,
    uh: Tensor<f64, hidden, next<hidden>>,
    b: Tensor<f64, hidden>,
}

#[defn]
fn cell(
    p: Gru<inp, hidden>,
    x: Tensor<f64, batch, inp>,
    h: Tensor<f64, batch, hidden>,
) -> Tensor<f64, batch, hidden> {
    let z = (x.dot(p.wz, inp) + h.dot(p.uz, hidden).rename(next, hidden)).sigmoid();
    let n = (x.dot(p.wh, inp) + h.dot(p.uh, hidden).rename(next, hidden) + p.b).tanh();
    z * h + (1.0 - z) * n
}

#[defn]
fn unroll(
    p: Gru<inp, hidden>,
    x: Tensor<f64, batch, time, inp>,
    start: Tensor<f64, batch, hidden>,
) -> (Tensor<f64, batch, time, hidden>, Tensor<f64, batch, hidden>) {
    let mut h = start;
    let all = for x_t in x.along(time) {
        h = cell(p, x_t, h);
        h
    };
    (all, h)
}

fn gru(inp: usize, hidden: usize) -> Gru {
    Gru {
        wz: floats([inp, hidden], 1),
        uz: floats([hidden, hidden], 2),
        wh: floats([inp, hidden], 3),
        uh: floats([hidden, hidden], 4),
        b: floats([hidden], 5),
    }
}

fn cell_twin(p: &Gru, x: &[f64], h: &[f64]) -> Vec<f64> {
    let dot = |v: &[f64], m: &Tensor<f64, 2>, j: usize| -> f64 {
        v.iter().enumerate().map(|(i, v)| v * m[[i, j]]).sum()
    };
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    (0..h.len())
        .map(|j| {
            let z = sigmoid(dot(x, &p.wz, j) + dot(h, &p.uz, j));
            let n = (dot(x, &p.wh, j) + dot(h, &p.uh, j) + p.b[[j]]).tanh();
            z * h[j] + (1.0 - z) * n
        })
        .collect()
}

#[test]
fn a_recurrent_cell_over_time() {
    for [batch, time, inp, hidden] in [[1, 1, 1, 1], [2, 5, 3, 4], [3, 0, 2, 5], [4, 17, 7, 8]] {
        let (p, x) = (gru(inp, hidden), floats::<f64, 3>([batch, time, inp], 6));
        let start = floats::<f64, 2>([batch, hidden], 7);
        let (all, last) = unroll(&p, &x, &start);
        for b in 0..batch {
            let mut h: Vec<f64> = (0..hidden).map(|j| start[[b, j]]).collect();
            for t in 0..time {
                let x: Vec<f64> = (0..inp).map(|i| x[[b, t, i]]).collect();
                h = cell_twin(&p, &x, &h);
                for (j, h) in h.iter().enumerate() {
                    assert!((all[[b, t, j]] - h).abs() < SUM_F64 * 10.0);
                }
            }
            for (j, h) in h.iter().enumerate() {
                assert!((last[[b, j]] - h).abs() < SUM_F64 * 10.0);
            }
        }
    }
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Point {
    x: f64,
    y: f64,
    z: f64,
}

#[defn]
fn lorenz(p: Point) -> Point {
    Point { x: 10.0 * (p.y - p.x), y: p.x * (28.0 - p.z) - p.y, z: p.x * p.y - 8.0 / 3.0 * p.z }
}

#[defn]
fn runge_kutta(start: Point, dt: f64, steps: i64) -> Point {
    let mut p = start;
    for _ in 0..steps {
        let a = lorenz(p);
        let b = lorenz(p + dt / 2.0 * a);
        let c = lorenz(p + dt / 2.0 * b);
        let d = lorenz(p + dt * c);
        p = p + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d);
    }
    p
}

#[defn]
fn trajectory(start: Point, dt: f64) -> Point {
    let mut p = start;
    let path = for _ in 0..9 {
        p = p + dt * lorenz(p);
        p
    };
    for q in path.along(axis = 0) {
        p = p + 0.0 * q;
    }
    p
}

#[test]
fn an_integrator_with_a_container_as_state() {
    type Three = [f64; 3];
    let lorenz = |[x, y, z]: Three| [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z];
    let add = |a: Three, s: f64, b: Three| [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
    let start = Point { x: 1.0, y: 1.0, z: 1.0 };
    for steps in [0i64, 1, 100] {
        let (mut p, dt) = ([1.0, 1.0, 1.0], 0.01);
        for _ in 0..steps {
            let a = lorenz(p);
            let b = lorenz(add(p, dt / 2.0, a));
            let c = lorenz(add(p, dt / 2.0, b));
            let d = lorenz(add(p, dt, c));
            p = add(add(add(add(p, dt / 6.0, a), dt / 3.0, b), dt / 3.0, c), dt / 6.0, d);
        }
        let found = runge_kutta(&start, dt, steps);
        for (found, expected) in [found.x, found.y, found.z].into_iter().zip(p) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
    let mut p = [1.0, 1.0, 1.0];
    for _ in 0..9 {
        p = add(p, 0.01, lorenz(p));
    }
    let found = trajectory(&start, 0.01);
    for (found, expected) in [found.x, found.y, found.z].into_iter().zip(p) {
        assert!((found - expected).abs() < SUM_F64 * 100.0, "{found} {expected}");
    }
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Moments<n> {
    mean: Tensor<f64, n>,
    square: Tensor<f64, n>,
}

#[defn]
fn averaged(
    state: &mut Moments<n>,
    gradients: Tensor<f64, step, n>,
) -> (Tensor<f64, step, n>, Tensor<f64, n>) {
    let all = for g in gradients.along(step) {
        state.mean = 0.5 * state.mean + g;
        state.square += g * g;
        *state
    };
    (all.mean, all.square.sum(step))
}

#[test]
fn a_container_that_a_loop_updates_and_collects() {
    for n in EXTENTS {
        for steps in [0, 1, 6] {
            let g = whole::<f64, 2>([steps, n], 8);
            let start = Moments { mean: whole([n], 9), square: whole([n], 10) };
            let mut state = start.clone();
            let (means, squares) = averaged(&mut state, &g);
            let mean =
                |t: usize, i: usize| (0..t).fold(start.mean[[i]], |mean, t| 0.5 * mean + g[[t, i]]);
            let square = |t: usize, i: usize| {
                (0..t).fold(start.square[[i]], |square, t| square + g[[t, i]] * g[[t, i]])
            };
            same(&means, |[t, i]| mean(t + 1, i));
            same(&state.mean, |[i]| mean(steps, i));
            same(&state.square, |[i]| square(steps, i));
            same(&squares, |[i]| (1..=steps).map(|t| square(t, i)).sum());
        }
    }
}

#[defn]
fn smoothed(x: Tensor<f64, time>, keep: f64, reset: f64) -> Tensor<f64, time> {
    let mut level = 0.0f64;
    for v in x.along(time) {
        if v > reset {
            level = 0.0;
        } else {
            level = keep * level + (1.0 - keep) * v;
        }
        level
    }
}

#[test]
fn a_branch_in_a_recurrence() {
    for n in EXTENTS {
        let x = floats::<f64, 1>([n], 11);
        let mut level = 0.0;
        let twin: Vec<f64> = x
            .iter()
            .map(|v| {
                level = if *v > 1.0 { 0.0 } else { 0.75 * level + 0.25 * v };
                level
            })
            .collect();
        near(&smoothed(&x, 0.75, 1.0), SUM_F64, |[t]| twin[t]);
    }
}
