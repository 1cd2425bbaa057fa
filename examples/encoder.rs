//! A layer of an encoder learns to look: at every position it must report what stands at the first.
//!
//! ```text
//! cargo run --release --example encoder
//! ```
//!
//! Only attention carries anything from one position to another, so that a small loss says that it has learned to attend.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use defn::prelude::*;

/// What a layer learns.
#[defn]
struct Encoder {
    qkv: Tensor<f32, width, part<3>, head, dim>,
    out: Tensor<f32, head, dim, width>,
    up: Tensor<f32, width, wide>,
    down: Tensor<f32, wide, width>,
    first: Tensor<f32, width>,
    second: Tensor<f32, width>,
}

/// Rows with mean 0 and variance 1, scaled.
#[defn]
fn norm(x: Tensor<f32, time, width>, gain: Tensor<f32, width>) -> Tensor<f32, time, width> {
    (x - x.mean(width)) * (x.variance(width) + 1e-5).rsqrt() * gain
}

/// GELU with the error function.
#[defn]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + (x * std::f32::consts::FRAC_1_SQRT_2).erf())
}

/// Attention of every position to every position, then a network of two layers; both added to what entered.
#[defn]
fn encoder(p: Encoder, x: Tensor<f32, time, width>) -> Tensor<f32, time, width> {
    let qkv = x.dot(p.qkv, width);
    let q = qkv.at(part, 0);
    let k = qkv.at(part, 1).rename(time, key);
    let v = qkv.at(part, 2).rename(time, key);
    let attended = (q.dot(k, dim) / (dim as f32).sqrt()).softmax(key).dot(v, key);
    let h = norm(x + attended.dot(p.out, (head, dim)), p.first);
    norm(h + gelu(h.dot(p.up, width)).dot(p.down, wide), p.second)
}

/// The mean square of what is wrong.
#[defn]
fn loss(p: Encoder, x: Tensor<f32, time, width>, y: Tensor<f32, time, width>) -> f32 {
    (encoder(p, x) - y).square().mean()
}

/// A step of gradient descent with momentum, in place; the loss before it.
#[defn]
fn step(
    p: &mut Encoder,
    velocity: &mut Encoder,
    x: Tensor<f32, time, width>,
    y: Tensor<f32, time, width>,
    rate: f32,
) -> f32 {
    let (value, slope) = value_and_grad!(loss)(p, x, y);
    *velocity = 0.9 * velocity + slope;
    *p = p - rate * velocity;
    value
}

const TIME: usize = 12;
const WIDTH: usize = 32;
const HEADS: usize = 4;
const STEPS: usize = 3000;

fn main() {
    let mut dice = Dice(1);
    let mut model = Encoder::new(|fan_in| (3.0 / fan_in as f32).sqrt() * dice.next(), 1.0);
    let mut velocity = Encoder::new(|_| 0.0, 0.0);
    let mut recent = 0.0;
    for count in 1..=STEPS {
        let (x, y) = dice.task();
        recent += step(&mut model, &mut velocity, &x, &y, 0.1) / 300.0;
        if count % 300 == 0 {
            println!("after {count:4} steps: loss {recent:.3}");
            recent = 0.0;
        }
    }
}

impl Encoder {
    /// Weights that are made one by one, from how many numbers each sum has, and the same gain everywhere.
    fn new(mut weight: impl FnMut(usize) -> f32, gain: f32) -> Self {
        Self {
            qkv: Tensor::from_fn([WIDTH, 3, HEADS, WIDTH / HEADS], |_| weight(WIDTH)),
            out: Tensor::from_fn([HEADS, WIDTH / HEADS, WIDTH], |_| weight(WIDTH)),
            up: Tensor::from_fn([WIDTH, 4 * WIDTH], |_| weight(WIDTH)),
            down: Tensor::from_fn([4 * WIDTH, WIDTH], |_| weight(4 * WIDTH)),
            first: Tensor::from_fn([WIDTH], |_| gain),
            second: Tensor::from_fn([WIDTH], |_| gain),
        }
    }
}

/// Random numbers by xorshift.
struct Dice(u64);

impl Dice {
    /// Evenly from -1 up to 1.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Signs at every position, the first position marked by its last number; and what should be reported: the signs of the first.
    fn task(&mut self) -> (Tensor<f32, 2>, Tensor<f32, 2>) {
        let mut sign = || if self.next() < 0.0 { -1.0 } else { 1.0 };
        let x =
            Tensor::from_fn([TIME, WIDTH], |[time, column]| match (time, column == WIDTH - 1) {
                (0, true) => 3.0,
                (_, true) => 0.0,
                (_, false) => sign(),
            });
        let y =
            Tensor::from_fn(
                [TIME, WIDTH],
                |[_, column]| {
                    if column == WIDTH - 1 { 0.0 } else { x[[0, column]] }
                },
            );
        (x, y)
    }
}
