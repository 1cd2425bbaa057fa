//! Loops over sequences: cells, integrators, filters; with containers as state, and gradients.

use crate::support::{EXTENTS, SUM_F64, floats, near, same, slopes, truths, whole};
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

#[defn]
#[derive(Clone)]
struct Layers<n> {
    w: Tensor<f64, layer, n, m<n>>,
    b: Tensor<f64, layer, n>,
}

#[defn]
fn deep(
    p: Layers<n>,
    x: Tensor<f64, n>,
    gain: Tensor<f64, layer>,
) -> (Tensor<f64, n>, Tensor<f64, layer, n>) {
    let (mut h, mut seen) = (x, 0i64);
    let all = for (d, g) in (p, gain).along(layer) {
        h = g * (h.dot(d.w, n).rename(m, n) + d.b);
        seen += 1;
        h * seen as f64
    };
    (h, all)
}

#[test]
fn layers_that_are_stacked_in_a_container() {
    for [layers, n] in [[0, 3], [1, 1], [3, 5], [5, 8]] {
        let p = Layers { w: whole([layers, n, n], 1), b: whole([layers, n], 2) };
        let (x, gain) = (whole::<f64, 1>([n], 3), Tensor::<f64, 1>::from_fn([layers], |_| 0.5));
        let (last, all) = deep(&p, &x, &gain);
        let mut h: Vec<f64> = x.iter().copied().collect();
        for k in 0..layers {
            let dot = |j: usize| (0..n).map(|i| h[i] * p.w[[k, i, j]]).sum::<f64>();
            h = (0..n).map(|j| 0.5 * (dot(j) + p.b[[k, j]])).collect();
            let row = Tensor::<f64, 1>::from_fn([n], |[j]| all[[k, j]]);
            near(&row, SUM_F64, |[j]| h[j] * (k + 1) as f64);
        }
        near(&last, SUM_F64, |[j]| h[j]);
    }
}

macro_rules! delays {
    ($($name:ident $element:ident)*) => {
        $(
            #[defn]
            fn $name(x: Tensor<$element, time, n>) -> (Tensor<$element, time, n>, Tensor<$element, n>) {
                let mut one = zeros::<$element>(n);
                let mut two = one;
                let delayed = for now in x.along(axis = 0) {
                    let out = two;
                    two = one;
                    one = now;
                    out
                };
                (delayed, one)
            }
        )*

        #[test]
        fn delays_of_every_element() {
            for [time, n] in [[0, 2], [1, 1], [2, 3], [9, 17]] {
                $(
                    let x = whole::<f64, 2>([time, n], 4).cast::<$element>();
                    let (delayed, last) = $name(&x);
                    let none = Tensor::<$element, 1>::zeros([1])[[0]];
                    same(&delayed, |[t, i]| if t < 2 { none } else { x[[t - 2, i]] });
                    same(&last, |[i]| if time == 0 { none } else { x[[time - 1, i]] });
                )*
            }
        }
    };
}

delays! { delay_f32 f32 delay_f64 f64 delay_i32 i32 delay_i64 i64 delay_u8 u8 }

#[defn]
fn parity(x: Tensor<bool, time>) -> (Tensor<bool, time>, bool) {
    let mut odd = false;
    let all = for v in x.along(time) {
        odd = odd != v;
        odd
    };
    (all, odd)
}

#[test]
fn truth_values_as_state() {
    for n in EXTENTS {
        let x = truths([n], 5);
        let (all, odd) = parity(&x);
        same(&all, |[t]| (0..=t).filter(|k| x[[*k]]).count() % 2 == 1);
        assert_eq!(odd, x.iter().filter(|v| **v).count() % 2 == 1);
    }
}

#[defn]
fn bowl(x: Tensor<f64, n>, center: Tensor<f64, n>) -> f64 {
    ((x - center) * (x - center)).sum()
}

#[defn]
fn descend(start: Tensor<f64, n>, center: Tensor<f64, n>, tolerance: f64) -> (Tensor<f64, n>, i64) {
    let mut x = start;
    let mut steps = 0i64;
    while true {
        if bowl(x, center) < tolerance {
            break;
        }
        let (value, slope) = value_and_grad!(bowl)(x, center);
        x = if value > 1.0 { x - 0.25 * slope } else { x - 0.5 * slope };
        steps += 1;
    }
    (x, steps)
}

#[test]
fn gradients_inside_of_a_loop() {
    for n in [0usize, 1, 5, 17] {
        let (start, center) = (whole::<f64, 1>([n], 6), whole::<f64, 1>([n], 7));
        let mut x: Vec<f64> = start.iter().copied().collect();
        let mut steps = 0;
        loop {
            let value: f64 = x.iter().zip(center.iter()).map(|(x, c)| (x - c) * (x - c)).sum();
            if value < 1e-3 {
                break;
            }
            let rate = if value > 1.0 { 0.5 } else { 1.0 };
            x.iter_mut().zip(center.iter()).for_each(|(x, c)| *x -= rate * (*x - c));
            steps += 1;
        }
        let (found, count) = descend(&start, &center, 1e-3);
        near(&found, SUM_F64, |[i]| x[i]);
        assert_eq!(count, steps);
    }
}

#[defn]
fn lost(p: Gru<inp, hidden>, x: Tensor<f64, batch, time, inp>) -> f64 {
    let mut h = zeros::<f64>(batch, hidden);
    let mut total = 0.0f64;
    for x_t in x.along(time).rev() {
        h = cell(p, x_t, h);
        if h.sum() > 0.0 {
            total += (h * h).sum();
        } else {
            total -= h.sum();
        }
    }
    total
}

#[defn]
fn settled(x: Tensor<f64, n>, tolerance: f64) -> f64 {
    let mut y = x;
    for i in 0..1000 {
        if y.square().sum() < tolerance {
            break;
        }
        y = y * (0.5 + 0.001 * i as f64);
    }
    y[0] = y[1] * 3.0;
    y.exp().sum()
}

#[test]
fn gradients_of_loops_and_branches() {
    let p = gru(3, 4);
    let x = floats::<f64, 3>([2, 5, 3], 12);
    let (slope, of_x) = grad!(lost, wrt = (p, x))(&p, &x);
    slopes(&of_x, &x, |x| lost(&p, x));
    slopes(&slope.uz, &p.uz, |uz| lost(&Gru { uz: uz.copied(), ..p.clone() }, &x));
    slopes(&slope.b, &p.b, |b| lost(&Gru { b: b.copied(), ..p.clone() }, &x));
    let x = floats::<f64, 1>([6], 13);
    slopes(&grad!(settled)(&x, 0.01), &x, |x| settled(x, 0.01));
}
