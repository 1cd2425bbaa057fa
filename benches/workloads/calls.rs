//! What is left when the work is small: a call, and a process that has just been started.

use std::env;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use defn::prelude::*;

use crate::inputs::{normal, scaled};
use crate::measure::{Stopwatch, Times, Verdict, median_and_min};
use crate::reference::{check, exact};

#[defn]
fn add(x: Tensor<f32, n>, y: Tensor<f32, n>) -> Tensor<f32, n> {
    x + y
}

pub(crate) fn call_overhead(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (x, y) = (normal([4], 1), normal([4], 2));
    let expected: Vec<_> = x.iter().zip(&y).map(|(x, y)| exact(*x) + exact(*y)).collect();
    stopwatch.time(
        &(x, y),
        |(x, y)| add(x, y),
        |(x, y), z| add::into(x, y, z),
        |z| check(z, &expected),
    )
}

/// The argument by which this program asks itself for its first gradient.
pub(crate) const FRESH: &str = "first-gradient";

/// How often a process is started.
const STARTS: usize = 21;

#[defn]
struct Dense<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
}

/// Two affine maps.
#[defn]
struct Mlp {
    first: Dense<pixel, hidden>,
    second: Dense<hidden, class>,
}

/// The mean square of what a network of two layers makes of a batch.
#[defn]
fn loss(p: Mlp, x: Tensor<f32, batch, pixel>) -> f32 {
    let active = (x.dot(p.first.w, pixel) + p.first.b).tanh();
    (active.dot(p.second.w, hidden) + p.second.b).square().mean()
}

/// From before a process is started until it has its first gradient.
pub(crate) fn first_gradient(stopwatch: &Stopwatch) -> Verdict<Times> {
    stopwatch.only_here("a fresh process has its first gradient on the processor")?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let start = || -> Verdict<f64> {
        let mut fresh = Command::new(&program);
        // Folders in which cargo makes the dynamic linker look for every library first; who uses a program starts it without.
        fresh.arg(format!("--{FRESH}")).env_remove("LD_LIBRARY_PATH");
        let started = now();
        let output = fresh.output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let ended: u128 = text
            .trim()
            .parse()
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok((ended - started) as f64 / 1e9)
    };
    let times = (0..STARTS).map(|_| start()).collect::<Verdict<Vec<f64>>>()?;
    let first = times[0];
    let (median, min) = median_and_min(times);
    Ok(Times { median, min, first, into: None, off: 0.0 })
}

/// What such a process does: it differentiates once, says when it was done, and checks what it found.
pub(crate) fn in_a_fresh_process() -> Verdict<()> {
    let (inputs, hidden, classes, batch) = (64, 64, 10, 64);
    let mut p = Mlp {
        first: Dense { w: scaled([inputs, hidden], 1, 0.1), b: scaled([hidden], 2, 0.1) },
        second: Dense { w: scaled([hidden, classes], 3, 0.1), b: scaled([classes], 4, 0.1) },
    };
    let x = normal([batch, inputs], 5);
    let (value, slope) = value_and_grad!(loss)(&p, &x);
    let ended = now();
    // Along the gradient the loss grows by the gradient's square; in f32 the difference of two losses has three digits.
    let square: f32 = slope.first.b.iter().map(|g| g * g).sum();
    let step = 0.01 / square.sqrt();
    p.first.b = Tensor::from_fn([hidden], |at| p.first.b[at] + step * slope.first.b[at]);
    let (grown, _) = value_and_grad!(loss)(&p, &x);
    let (found, expected) = (grown - value, step * square);
    if (found - expected).abs() > 0.05 * expected {
        return Err(format!("a step changes the loss by {found:e} instead of {expected:e}"));
    }
    println!("{ended}");
    Ok(())
}

/// Nanoseconds of the clock that all processes share.
fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos())
}
