//! Gradients of loops of many steps: time and scratch, with a tape, with checkpoints, with a budget of memory,
//! and of unknown length.
//!
//! In: `cargo bench --bench gradients`, or `-- --most 10000` for fewer steps.
//! Out: a table; a line for each number of steps, and for each way the microseconds for one step and the bytes of scratch.
//! Before it a table of what gradients take beside their functions where there is no long loop ([`ratios`]).
//!
//! Two loops: Lorenz's equations by Runge and Kutta's rule, with a state of 3 numbers, and a gated cell with a state of 1024.
//! `docs/memory.md` has the table of one machine. Never here: what is right, which `tests/it/memory.rs` holds bit for bit.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to its reader")]

mod ratios;

use std::hint::black_box;
use std::time::Instant;

use defn::prelude::*;

#[defn]
fn flow(s: [f64; 3], rho: f64) -> [f64; 3] {
    [10.0 * (s[1] - s[0]), s[0] * (rho - s[2]) - s[1], s[0] * s[1] - 8.0 / 3.0 * s[2]]
}

#[defn]
fn moved(s: [f64; 3], k: [f64; 3], by: f64) -> [f64; 3] {
    [s[0] + by * k[0], s[1] + by * k[1], s[2] + by * k[2]]
}

#[defn]
fn step(s: [f64; 3], rho: f64) -> [f64; 3] {
    let h = 1e-3;
    let a = flow(s, rho);
    let b = flow(moved(s, a, h / 2.0), rho);
    let c = flow(moved(s, b, h / 2.0), rho);
    let d = flow(moved(s, c, h), rho);
    moved(moved(moved(moved(s, a, h / 6.0), b, h / 3.0), c, h / 3.0), d, h / 6.0)
}

#[defn]
fn lorenz(rho: f64, n: usize) -> f64 {
    let mut s = [1.0f64, 1.0f64, 1.0f64];
    for _ in 0..n {
        s = step(s, rho);
    }
    s[0] + s[1] + s[2]
}

#[defn]
fn lorenz_by_roots(rho: f64, n: usize) -> f64 {
    let mut s = [1.0f64, 1.0f64, 1.0f64];
    checkpoint(for _ in 0..n {
        s = step(s, rho);
    });
    s[0] + s[1] + s[2]
}

/// As many steps, which nobody knows before they have run.
#[defn]
fn lorenz_while(rho: f64, n: usize) -> f64 {
    let (mut s, mut k) = ([1.0f64, 1.0f64, 1.0f64], 0i64);
    while k < n as i64 {
        s = step(s, rho);
        k += 1;
    }
    s[0] + s[1] + s[2]
}

#[defn]
fn lorenz_tape(rho: f64, n: usize) -> f64 {
    grad!(lorenz)(rho, n)
}

#[defn]
fn lorenz_roots(rho: f64, n: usize) -> f64 {
    grad!(lorenz_by_roots)(rho, n)
}

#[defn(memory = "64 KiB")]
fn lorenz_budget(rho: f64, n: usize) -> f64 {
    grad!(lorenz)(rho, n)
}

#[defn]
fn lorenz_snapshots(rho: f64, n: usize) -> f64 {
    grad!(lorenz_while)(rho, n)
}

#[defn]
fn cell(x: Tensor<f32, state>, h: Tensor<f32, state>) -> Tensor<f32, state> {
    let z = (h + x).sigmoid();
    z * h + (1.0 - z) * (h * x + 0.5).tanh()
}

#[defn]
fn gated(x: Tensor<f32, state<1024>>, n: usize) -> f32 {
    let mut h = x;
    for _ in 0..n {
        h = cell(x, h);
    }
    h.sum()
}

#[defn]
fn gated_by_roots(x: Tensor<f32, state<1024>>, n: usize) -> f32 {
    let mut h = x;
    checkpoint(for _ in 0..n {
        h = cell(x, h);
    });
    h.sum()
}

#[defn]
fn gated_while(x: Tensor<f32, state<1024>>, n: usize) -> f32 {
    let (mut h, mut k) = (x, 0i64);
    while k < n as i64 {
        h = cell(x, h);
        k += 1;
    }
    h.sum()
}

#[defn]
fn gated_tape(x: Tensor<f32, state<1024>>, n: usize) -> Tensor<f32, state<1024>> {
    grad!(gated)(x, n)
}

#[defn]
fn gated_roots(x: Tensor<f32, state<1024>>, n: usize) -> Tensor<f32, state<1024>> {
    grad!(gated_by_roots)(x, n)
}

#[defn(memory = "4 MiB")]
fn gated_budget(x: Tensor<f32, state<1024>>, n: usize) -> Tensor<f32, state<1024>> {
    grad!(gated)(x, n)
}

#[defn]
fn gated_snapshots(x: Tensor<f32, state<1024>>, n: usize) -> Tensor<f32, state<1024>> {
    grad!(gated_while)(x, n)
}

/// More scratch than this is not asked for.
const MOST_BYTES: usize = 3 << 30;

/// What each of these functions takes for so many steps from here.
macro_rules! columns {
    ($n:ident; $($name:ident),+; $from:expr) => {
        [$({
            let call = || { black_box($name($from, $n)); };
            measured($n, ($name::workspace_bytes($from, $n), call))
        }),+].join(" | ")
    };
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let most = words.iter().position(|word| word == "--most").and_then(|at| words.get(at + 1));
    let most: usize = most.and_then(|most| most.parse().ok()).unwrap_or(1_000_000);
    defn::set_threads(1);
    println!("| function | alone | gradient | ratio |");
    println!("|---|---|---|---|");
    ratios::lines(&|call| seconds(call)).iter().for_each(|line| println!("{line}"));
    println!();
    let counts: Vec<usize> = (2..=6).map(|power| 10usize.pow(power)).collect();
    let counts = counts.into_iter().take_while(|n| *n <= most);
    println!("| loop | steps | alone | tape | checkpoint | memory | `while` alone | `while` |");
    println!("|---|---|---|---|---|---|---|---|");
    for n in counts.clone() {
        let found = columns!(n; lorenz, lorenz_tape, lorenz_roots, lorenz_budget, lorenz_while, lorenz_snapshots; 28.0);
        println!("| Lorenz, 3 `f64` | {n} | {found} |");
    }
    let x = Tensor::from_fn([1024], |[at]| (at % 13) as f32 / 8.0 - 0.75);
    for n in counts {
        let found = columns!(n; gated, gated_tape, gated_roots, gated_budget, gated_while, gated_snapshots; &x);
        println!("| gated, 1024 `f32` | {n} | {found} |");
    }
}

/// Calls are timed together until they take so many seconds: the clock of a thread may tick every few milliseconds.
const LONG: f64 = 0.1;

/// The least time of a call in microseconds for a step, and its scratch; or why there is none.
fn measured(n: usize, (bytes, call): (Result<usize, defn::Error>, impl Fn())) -> String {
    let bytes = match bytes {
        Ok(bytes) if bytes <= MOST_BYTES => bytes,
        Ok(bytes) => return format!("needs {}", size(bytes)),
        Err(_) => return "does not fit".to_owned(),
    };
    format!("{:.3} µs, {}", seconds(&call) * 1e6 / n as f64, size(bytes))
}

/// The least time of a call.
fn seconds(call: &dyn Fn()) -> f64 {
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    while begin.elapsed().as_secs_f64() < 1.0 || least.is_infinite() {
        let start = processor_seconds(begin);
        let (mut calls, mut taken) = (0, 0.0);
        while taken < LONG {
            let more = calls.max(1);
            (0..more).for_each(|_| call());
            calls += more;
            taken = processor_seconds(begin) - start;
        }
        least = least.min(taken / f64::from(calls));
    }
    least
}

/// How long this thread was on a processor, which neighbours do not lengthen; where nobody says so, how long it is since `begin`.
fn processor_seconds(begin: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    nanoseconds.map_or_else(|| begin.elapsed().as_secs_f64(), |it| it * 1e-9)
}

fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
