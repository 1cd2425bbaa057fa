//! Loops over a small state, and over every point of a picture.

use defn::prelude::*;

use crate::inputs::{normal, scaled};
use crate::measure::{Spoil, Stopwatch, Times, Verdict};
use crate::reference::{Near, check, within};

#[defn]
fn slope(p: Tensor<f32, parameter<3>>, s: Tensor<f32, xyz<3>>) -> Tensor<f32, xyz<3>> {
    let (sigma, rho, beta) = (p.at(parameter, 0), p.at(parameter, 1), p.at(parameter, 2));
    let (x, y, z) = (s.at(xyz, 0), s.at(xyz, 1), s.at(xyz, 2));
    stack(xyz, sigma * (y - x), x * (rho - z) - y, x * y - beta * z)
}

#[defn]
fn lorenz(p: Tensor<f32, parameter<3>>, start: Tensor<f32, xyz<3>>) -> f32 {
    let h = 0.01;
    let mut s = start;
    for _ in 0..1000 {
        let k1 = slope(p, s);
        let k2 = slope(p, s + h / 2.0 * k1);
        let k3 = slope(p, s + h / 2.0 * k2);
        let k4 = slope(p, s + h * k3);
        s += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    s.sum()
}

#[defn]
fn lorenz_grad(
    p: Tensor<f32, parameter<3>>,
    start: Tensor<f32, xyz<3>>,
) -> Tensor<f32, parameter<3>> {
    grad!(lorenz)(p, start)
}

/// The parameters, as the program has them.
const LORENZ: [f64; 3] = [10.0, 28.0, (8.0 / 3.0f32) as f64];

pub(crate) fn lorenz_rk4_1000(stopwatch: &Stopwatch) -> Verdict<Times> {
    let p = Tensor::from([10.0, 28.0, 8.0 / 3.0f32]);
    let start = Tensor::from([1.0f32; 3]);
    let expected = || vec![amplified(&|round| of_lorenz(LORENZ, round))];
    stopwatch.time(
        &(p, start),
        |(p, start)| lorenz(p, start),
        |(p, start), y| lorenz::into(p, start, y),
        |y| check(&Tensor::<f32, 0>::from(*y), &expected()),
    )
}

pub(crate) fn lorenz_rk4_1000_grad(stopwatch: &Stopwatch) -> Verdict<Times> {
    let p = Tensor::from([10.0, 28.0, 8.0 / 3.0f32]);
    let start = Tensor::from([1.0f32; 3]);
    stopwatch.time(
        &(p, start),
        |(p, start)| lorenz_grad(p, start),
        |(p, start), y| lorenz_grad::into(p, start, y),
        |y| {
            let along = |axis: usize| {
                let moved = |by: f64| {
                    let mut p = LORENZ;
                    p[axis] += by;
                    of_lorenz(p, &|x| x)
                };
                (moved(1e-6) - moved(-1e-6)) / 2e-6
            };
            // Chaos makes as much of the roundings of a gradient as of those of the values.
            let share = amplified(&|round| of_lorenz(LORENZ, round));
            let share = 8.0 * share.error / share.value.abs();
            let expected: Vec<Near> = (0..3)
                .map(along)
                .map(|slope| within(slope, share.max(1e-3) * slope.abs()))
                .collect();
            check(y, &expected)
        },
    )
}

/// The sum of the last state, every operation followed by `round`.
fn of_lorenz([sigma, rho, beta]: [f64; 3], round: Rounding<'_>) -> f64 {
    let h = f64::from(0.01f32);
    let slope = |[x, y, z]: [f64; 3]| {
        [
            round(sigma * round(y - x)),
            round(round(x * round(rho - z)) - y),
            round(round(x * y) - round(beta * z)),
        ]
    };
    let moved =
        |s: [f64; 3], by: f64, k: [f64; 3]| [0, 1, 2].map(|i| round(s[i] + round(by * k[i])));
    let mut s = [1.0; 3];
    for _ in 0..1000 {
        let k1 = slope(s);
        let k2 = slope(moved(s, h / 2.0, k1));
        let k3 = slope(moved(s, h / 2.0, k2));
        let k4 = slope(moved(s, h, k3));
        let all = [0, 1, 2].map(|i| round(round(k1[i] + 2.0 * k2[i]) + round(2.0 * k3[i] + k4[i])));
        s = moved(s, h / 6.0, all);
    }
    s.iter().sum()
}

/// What follows every operation.
type Rounding<'a> = &'a dyn Fn(f64) -> f64;

/// What a program computes, and how far an `f32` may be from it: errors grow in a loop by as much as the loop makes of them,
/// which is seen from the same program rounded to `f32` at every step.
fn amplified(program: &dyn Fn(Rounding<'_>) -> f64) -> Near {
    let exact = program(&|x| x);
    let rounded = program(&|x| f64::from(x as f32));
    within(exact, 32.0 * (exact - rounded).abs() + 1e-4 * exact.abs())
}

#[defn]
#[derive(Clone, PartialEq)]
struct Gru {
    update: Tensor<f32, hidden<32>, wide<64>>,
    reset: Tensor<f32, hidden<32>, wide<64>>,
    candidate: Tensor<f32, hidden<32>, wide<64>>,
}

impl Spoil for Gru {
    fn spoil(&mut self) {
        for weights in [&mut self.update, &mut self.reset, &mut self.candidate] {
            weights.spoil();
        }
    }
}

#[defn]
fn gru(w: Gru, inputs: Tensor<f32, time, input<32>>) -> f32 {
    let mut h = zeros::<f32>(hidden = 32);
    for x in inputs.along(time) {
        let x = x.rename(input, wide);
        let both = concat(wide, h.rename(hidden, wide), x);
        let z = w.update.dot(both, wide).sigmoid();
        let r = w.reset.dot(both, wide).sigmoid();
        let n = w.candidate.dot(concat(wide, (r * h).rename(hidden, wide), x), wide).tanh();
        h = (1.0 - z) * h + z * n;
    }
    h.sum()
}

pub(crate) fn gru32_1000(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (w, x) = gru_inputs();
    let expected = || vec![amplified(&|round| of_gru(&exact_weights(&w), &x, round))];
    stopwatch.time(
        &(w.clone(), x.clone()),
        |(w, x)| gru(w, x),
        |(w, x), y| gru::into(w, x, y),
        |y| check(&Tensor::<f32, 0>::from(*y), &expected()),
    )
}

#[defn]
fn gru_grad(w: Gru, inputs: Tensor<f32, time, input<32>>) -> Gru {
    grad!(gru)(w, inputs)
}

pub(crate) fn gru32_1000_grad(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (w, x) = gru_inputs();
    stopwatch.time(
        &(w.clone(), x.clone()),
        |(w, x)| gru_grad(w, x),
        |(w, x), slope| gru_grad::into(w, x, slope),
        |slope| along_directions(&w, &x, [&slope.update, &slope.reset, &slope.candidate]),
    )
}

fn exact_weights(w: &Gru) -> [Vec<f64>; 3] {
    [&w.update, &w.reset, &w.candidate].map(|w| w.iter().copied().map(f64::from).collect())
}

/// Whether a gradient says how the sum moves along some directions.
fn along_directions(
    w: &Gru,
    inputs: &Tensor<f32, 2>,
    gradient: [&Tensor<f32, 2>; 3],
) -> Verdict<f64> {
    let weights = exact_weights(w);
    let mut worst = 0.0f64;
    for seed in 0..6 {
        let direction: [Vec<f64>; 3] = [0, 1, 2].map(|leaf| {
            normal([32, 64], 100 + 3 * seed + leaf).iter().copied().map(f64::from).collect()
        });
        let moved = |by: f64| {
            let pairs = weights.iter().zip(&direction);
            let mut all =
                pairs.map(|(w, d)| w.iter().zip(d).map(|(w, d)| w + by * d).collect::<Vec<f64>>());
            let moved = [(); 3].map(|()| all.next().unwrap_or_default());
            of_gru(&moved, inputs, &|x| x)
        };
        let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        let found: f64 = gradient
            .iter()
            .zip(&direction)
            .map(|(g, d)| g.iter().zip(d).map(|(g, d)| f64::from(*g) * d).sum::<f64>())
            .sum();
        let apart = (found - slope).abs() / (1e-3 * slope.abs() + 1e-3);
        // False for NaN, too.
        let is_near = apart <= 1.0;
        if !is_near {
            return Err(format!("the slope along direction {seed} is {slope}, not {found}"));
        }
        worst = worst.max(apart);
    }
    Ok(worst)
}

fn gru_inputs() -> (Gru, Tensor<f32, 2>) {
    let weights = |seed| scaled([32, 64], seed, 0.1);
    let w = Gru { update: weights(1), reset: weights(2), candidate: weights(3) };
    (w, normal([1000, 32], 4))
}

/// The sum of the last state, every operation followed by `round`.
fn of_gru(w: &[Vec<f64>; 3], inputs: &Tensor<f32, 2>, round: Rounding<'_>) -> f64 {
    let sigmoid = |x: f64| round(1.0 / (1.0 + (-x).exp()));
    let mut h = [0.0; 32];
    for step in 0..inputs.shape()[0] {
        let x = |i: usize| f64::from(inputs[[step, i]]);
        let dot = |w: &[f64], h: &[f64; 32], row: usize| {
            let term = |i: usize| w[64 * row + i] * if i < 32 { h[i] } else { x(i - 32) };
            (0..64).fold(0.0, |sum, i| round(sum + term(i)))
        };
        let z: [f64; 32] = std::array::from_fn(|row| sigmoid(dot(&w[0], &h, row)));
        let r: [f64; 32] = std::array::from_fn(|row| sigmoid(dot(&w[1], &h, row)));
        let rh: [f64; 32] = std::array::from_fn(|row| round(r[row] * h[row]));
        let n: [f64; 32] = std::array::from_fn(|row| round(dot(&w[2], &rh, row).tanh()));
        h = std::array::from_fn(|i| round(round((1.0 - z[i]) * h[i]) + round(z[i] * n[i])));
    }
    h.iter().sum()
}

#[defn]
fn escapes(
    real: Tensor<f32, row, column>,
    imaginary: Tensor<f32, row, column>,
) -> Tensor<i32, row, column> {
    let mut x = zeros::<f32>(row, column);
    let mut y = zeros::<f32>(row, column);
    let mut count = zeros::<i32>(row, column);
    for _ in 0..100 {
        let (xx, yy) = (x * x, y * y);
        let inside = xx + yy <= 4.0;
        let next = select(inside, xx - yy + real, x);
        y = select(inside, 2.0 * x * y + imaginary, y);
        x = next;
        count += inside as i32;
    }
    count
}

pub(crate) fn mandelbrot_512_100(stopwatch: &Stopwatch) -> Verdict<Times> {
    let at = |low: f64, high: f64, k: usize| (low + (high - low) * k as f64 / 511.0) as f32;
    let real = Tensor::from_fn([512, 512], |[_, column]| at(-2.0, 0.6, column));
    let imaginary = Tensor::from_fn([512, 512], |[row, _]| at(-1.3, 1.3, row));
    stopwatch.time(
        &(real.clone(), imaginary.clone()),
        |(real, imaginary)| escapes(real, imaginary),
        |(real, imaginary), y| escapes::into(real, imaginary, y),
        |y| counted(y, &real, &imaginary),
    )
}

/// Whether the counts are those of plain `f32`, but for points so near to the edge that one rounding decides.
fn counted(
    found: &Tensor<i32, 2>,
    real: &Tensor<f32, 2>,
    imaginary: &Tensor<f32, 2>,
) -> Verdict<f64> {
    let mut others = 0;
    for row in 0..512 {
        for column in 0..512 {
            let (a, b) = (real[[row, column]], imaginary[[row, column]]);
            let (mut x, mut y, mut count) = (0.0f32, 0.0f32, 0);
            for _ in 0..100 {
                if x * x + y * y <= 4.0 {
                    (x, y, count) = (x * x - y * y + a, 2.0 * x * y + b, count + 1);
                }
            }
            others += i32::from(found[[row, column]] != count);
        }
    }
    let share = f64::from(others) / (512.0 * 512.0);
    if share <= 0.02 { Ok(share) } else { Err(format!("{others} points have another count")) }
}
