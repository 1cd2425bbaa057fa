//! A two-layer perceptron learns handwritten digits.
//!
//! ```text
//! cargo run --release --example digits
//! ```
//!
//! The model, its loss, its gradient and its update are written in the language; loading, shuffling and printing are
//! ordinary Rust. Everything random comes from one seed, so every run prints the same losses and accuracies.
//! With `--features cuda` it learns on the first GPU, and says so if there is none.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use defn::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

/// An affine map.
#[defn]
struct Dense<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
}

/// Two of them.
#[defn]
struct Mlp {
    first: Dense<pixel<64>, hidden>,
    second: Dense<hidden, class<10>>,
}

/// How much speaks for each class, as logarithms of odds.
#[defn]
fn logits(p: Mlp, x: Tensor<f32, batch, pixel<64>>) -> Tensor<f32, batch, class<10>> {
    let active = (x.dot(p.first.w, pixel) + p.first.b).max(0.0);
    active.dot(p.second.w, hidden) + p.second.b
}

/// Softmax cross-entropy: how surprising the labels are to the model.
#[defn]
fn loss(p: Mlp, x: Tensor<f32, batch, pixel<64>>, y: Tensor<i32, batch>) -> f32 {
    let z = logits(p, x);
    (z.logsumexp(class) - z.take(class, y)).mean()
}

#[defn]
const RATE: f32 = 0.2;
#[defn]
const MOMENTUM: f32 = 0.9;

/// Gradient descent with momentum, in place; the loss before the step.
#[defn]
fn step(
    p: &mut Mlp,
    velocity: &mut Mlp,
    x: Tensor<f32, batch, pixel<64>>,
    y: Tensor<i32, batch>,
) -> f32 {
    let (value, slope) = value_and_grad!(loss)(p, x, y);
    *velocity = MOMENTUM * velocity + slope;
    *p = p - RATE * velocity;
    value
}

/// How many images are recognised.
#[defn]
fn recognised(p: Mlp, x: Tensor<f32, batch, pixel<64>>, y: Tensor<i32, batch>) -> i64 {
    (logits(p, x).argmax(class) == y as i64).count()
}

const HIDDEN: usize = 64;
const BATCH: usize = 64;
const EPOCHS: usize = 30;
const SEED: u64 = 1;

fn main() {
    match env::args().nth(1) {
        Some(started) => first_gradient(&started),
        None => train(),
    }
}

fn train() {
    let digits = Digits::load();
    let (mut training, held_out) = digits.split();
    let (x_test, y_test) = digits.pick(&held_out);
    println!("{} images to learn from, {} held out", training.len(), held_out.len());

    let device = device();
    let (x_test, y_test) = (x_test.to(&device), y_test.to(&device));
    let mut dice = Dice(SEED);
    let mut model = Mlp::random(&mut dice).to(&device);
    let mut velocity = Mlp::zeros().to(&device);
    let bar = ProgressBar::new((EPOCHS * training.len().div_ceil(BATCH)) as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} steps")
            .expect("the template is well-formed"),
    );
    let mut in_steps = Duration::ZERO;
    let mut accuracy = 0.0;
    for epoch in 1..=EPOCHS {
        dice.shuffle(&mut training);
        let mut total = 0.0;
        for rows in training.chunks(BATCH) {
            let (x, y) = digits.pick(rows);
            let start = Instant::now();
            let (x, y) = (x.to(&device), y.to(&device));
            let value = step(&mut model, &mut velocity, &x, &y);
            in_steps += start.elapsed();
            total += value * rows.len() as f32;
            bar.inc(1);
        }
        accuracy = recognised(&model, &x_test, &y_test) as f64 / held_out.len() as f64;
        let mean = total / training.len() as f32;
        bar.suspend(|| {
            println!("epoch {epoch:2}   loss {mean:.4}   accuracy {:5.2} %", 100.0 * accuracy);
        });
    }
    let steps = bar.position() as u32;
    bar.finish_and_clear();

    println!("test accuracy           {accuracy:.4}");
    println!(
        "to the first gradient   {:.1?}, process start and loading included",
        time_to_first_gradient()
    );
    println!("per step of {BATCH} images   {:.1?}", in_steps / steps);
}

/// The first GPU, or else the processor; a program with the feature `cuda` says which.
fn device() -> Device {
    if !cfg!(feature = "cuda") {
        return Device::cpu();
    }
    match Device::cuda(0) {
        Ok(gpu) => {
            println!("on {gpu:?}");
            gpu
        }
        Err(error) => {
            println!("on the CPU: {error}");
            Device::cpu()
        }
    }
}

/// From before a process is started until it has its first gradient: the median of eleven fresh ones.
fn time_to_first_gradient() -> Duration {
    let program = env::current_exe().expect("a running program has a path");
    let mut times: Vec<u64> = (0..11)
        .map(|_| {
            let output = Command::new(&program)
                .arg(clock().to_string())
                .output()
                .expect("the program starts again");
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .expect("the fresh process prints nanoseconds")
        })
        .collect();
    times.sort_unstable();
    Duration::from_nanos(times[times.len() / 2])
}

/// What a fresh process does: load, differentiate once, print the nanoseconds since `started`.
fn first_gradient(started: &str) {
    let started: u64 =
        started.parse().expect("the only argument is the time at which the process was started");
    let digits = Digits::load();
    let rows: Vec<usize> = (0..BATCH).collect();
    let (x, y) = digits.pick(&rows);
    let slope_of_loss = value_and_grad!(loss);
    black_box(slope_of_loss(&Mlp::random(&mut Dice(SEED)), &x, &y));
    println!("{}", clock() - started);
}

/// Nanoseconds of the clock that all processes share.
fn clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    since.as_nanos() as u64
}

impl Mlp {
    /// Weights of the size that keeps the activations of `max(0)` even; no biases.
    fn random(dice: &mut Dice) -> Self {
        let mut dense = |inputs: usize, outputs: usize| {
            let bound = (6.0 / inputs as f32).sqrt();
            Dense {
                w: Tensor::from_fn([inputs, outputs], |_| bound * dice.symmetric()),
                b: Tensor::zeros([outputs]),
            }
        };
        Self { first: dense(64, HIDDEN), second: dense(HIDDEN, 10) }
    }

    fn zeros() -> Self {
        let dense = |inputs, outputs| Dense {
            w: Tensor::zeros([inputs, outputs]),
            b: Tensor::zeros([outputs]),
        };
        Self { first: dense(64, HIDDEN), second: dense(HIDDEN, 10) }
    }
}

/// All images, row by row, and what they show.
struct Digits {
    pixels: Vec<f32>,
    labels: Vec<i32>,
}

impl Digits {
    /// See `examples/data/README.md` for the format.
    fn load() -> Self {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for line in include_str!("data/digits.csv").lines() {
            let (image, label) = line.rsplit_once(',').expect("the label stands last");
            pixels.extend(image.split(',').map(|pixel| number(pixel) as f32 / 16.0));
            labels.push(number(label));
        }
        Self { pixels, labels }
    }

    /// Which images are learned from, and which are held out: every fifth, beginning with the first.
    fn split(&self) -> (Vec<usize>, Vec<usize>) {
        (0..self.labels.len()).partition(|image| image % 5 != 0)
    }

    /// The images of these rows with their labels.
    fn pick(&self, rows: &[usize]) -> (Tensor<f32, 2>, Tensor<i32, 1>) {
        let images =
            Tensor::from_fn([rows.len(), 64], |[row, pixel]| self.pixels[64 * rows[row] + pixel]);
        (images, Tensor::from_fn([rows.len()], |[row]| self.labels[rows[row]]))
    }
}

fn number(digits: &str) -> i32 {
    digits.parse().expect("the file holds numbers")
}

/// Steele, Lea and Flood's SplitMix64: small, even, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from -1 up to 1.
    fn symmetric(&mut self) -> f32 {
        (self.roll() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    /// Fisher and Yates' shuffle.
    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.roll() % (last as u64 + 1)) as usize);
        }
    }
}
