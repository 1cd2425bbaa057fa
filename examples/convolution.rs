//! A convolution of images, its gradients, and a pooling: how fast they are on one core, and that they are right.
//!
//! ```text
//! cargo run --release --example convolution
//! ```
//!
//! The layer is one in the middle of a residual network: 64 channels of 56 by 56, filters of 3 by 3, every place padded.
//! A few elements of each result are computed again by plain loops.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use defn::prelude::*;

/// Every filter at every place of every image.
#[defn]
fn convolution(
    x: Tensor<f32, image, channel, h, w>,
    k: Tensor<f32, filter, channel, kh<3>, kw<3>>,
) -> Tensor<f32, image, filter, h, w> {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    x.dot(k, (channel, kh, kw))
}

/// How the images have to change, if the results have to change by `g`.
#[defn]
fn of_images(
    x: Tensor<f32, image, channel, h, w>,
    k: Tensor<f32, filter, channel, kh<3>, kw<3>>,
    g: Tensor<f32, image, filter, h, w>,
) -> Tensor<f32, image, channel, h, w> {
    grad!(weighted)(x, k, g)
}

/// How the filters have to change.
#[defn]
fn of_filters(
    x: Tensor<f32, image, channel, h, w>,
    k: Tensor<f32, filter, channel, kh<3>, kw<3>>,
    g: Tensor<f32, image, filter, h, w>,
) -> Tensor<f32, filter, channel, kh<3>, kw<3>> {
    grad!(weighted, wrt = k)(x, k, g)
}

#[defn]
fn weighted(
    x: Tensor<f32, image, channel, h, w>,
    k: Tensor<f32, filter, channel, kh<3>, kw<3>>,
    g: Tensor<f32, image, filter, h, w>,
) -> f32 {
    (convolution(x, k) * g).sum()
}

/// The largest of four neighbours.
#[defn]
fn pooling(
    x: Tensor<f32, image, channel, h, w>,
) -> Tensor<f32, image, channel, h<{ h / 2 }>, w<{ w / 2 }>> {
    x.window(h, kh = 2, stride = 2).window(w, kw = 2, stride = 2).max(kh, kw)
}

#[defn]
fn of_pooling(
    x: Tensor<f32, image, channel, h, w>,
    g: Tensor<f32, image, channel, h<{ h / 2 }>, w<{ w / 2 }>>,
) -> Tensor<f32, image, channel, h, w> {
    grad!(pooled)(x, g)
}

#[defn]
fn pooled(
    x: Tensor<f32, image, channel, h, w>,
    g: Tensor<f32, image, channel, h<{ h / 2 }>, w<{ w / 2 }>>,
) -> f32 {
    (pooling(x) * g).sum()
}

/// The shortest of many runs.
fn shortest(mut run: impl FnMut() -> Result<(), defn::Error>) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed() < Duration::from_millis(800) {
        let start = Instant::now();
        run().expect("the shapes fit");
        best = best.min(start.elapsed());
    }
    best
}

fn report(name: &str, operations: f64, time: Duration) {
    let rate = operations / time.as_secs_f64() / 1e9;
    println!("{name:<12} {:>9.3} ms {rate:>8.1} G operations a second", 1e3 * time.as_secs_f64());
}

fn main() {
    const CHANNELS: usize = 64;
    const SIDE: usize = 56;
    let number = |seed: usize, at: [usize; 4]| {
        let mixed = at.iter().fold(seed, |mixed, at| mixed * 31 + at) % 251;
        mixed as f32 / 125.0 - 1.0
    };
    let x = Tensor::from_fn([1, CHANNELS, SIDE, SIDE], |at| number(1, at));
    let k = Tensor::from_fn([CHANNELS, CHANNELS, 3, 3], |at| number(2, at));
    let g = Tensor::from_fn([1, CHANNELS, SIDE, SIDE], |at| number(3, at));

    let near = |found: f32, expected: f64| {
        let apart = (f64::from(found) - expected).abs();
        assert!(apart < 1e-3 * expected.abs().max(1.0), "{found} instead of {expected}");
    };
    // What an image holds at a place moved by the tap of a filter.
    let at = |image: &Tensor<f32, 4>, channel: usize, [i, j]: [usize; 2], [p, q]: [usize; 2]| {
        let inside = (1..=SIDE).contains(&(i + p)) && (1..=SIDE).contains(&(j + q));
        if inside { f64::from(image[[0, channel, i + p - 1, j + q - 1]]) } else { 0.0 }
    };
    let taps = || (0..9).map(|tap| [tap / 3, tap % 3]);
    let channels = || (0..CHANNELS).flat_map(|c| taps().map(move |tap| (c, tap)));

    let y = convolution(&x, &k);
    let (of_x, of_k) = (of_images(&x, &k, &g), of_filters(&x, &k, &g));
    for place in [[0, 0], [1, 55], [20, 33], [55, 55]] {
        let f = place[0] + 3;
        let sum =
            channels().map(|(c, [p, q])| at(&x, c, place, [p, q]) * f64::from(k[[f, c, p, q]]));
        near(y[[0, f, place[0], place[1]]], sum.sum());
        let back = channels()
            .map(|(f, [p, q])| at(&g, f, place, [2 - p, 2 - q]) * f64::from(k[[f, 5, p, q]]));
        near(of_x[[0, 5, place[0], place[1]]], back.sum());
    }
    for [p, q] in taps() {
        let places = (0..SIDE * SIDE).map(|place| [place / SIDE, place % SIDE]);
        let sum = places.map(|[i, j]| at(&x, 7, [i, j], [p, q]) * f64::from(g[[0, 11, i, j]]));
        near(of_k[[11, 7, p, q]], sum.sum());
    }
    println!("all that was looked at is right");

    let products = (2 * CHANNELS * CHANNELS * 9 * SIDE * SIDE) as f64;
    let mut y = Tensor::zeros([1, CHANNELS, SIDE, SIDE]);
    report("convolution", products, shortest(|| convolution::into(black_box(&x), &k, &mut y)));
    report("of images", products, shortest(|| of_images::into(black_box(&x), &k, &g, &mut y)));
    let mut of_k = Tensor::zeros([CHANNELS, CHANNELS, 3, 3]);
    report("of filters", products, shortest(|| of_filters::into(black_box(&x), &k, &g, &mut of_k)));
    let half = SIDE / 2;
    let mut small = Tensor::zeros([1, CHANNELS, half, half]);
    let elements = (CHANNELS * SIDE * SIDE) as f64;
    report("pooling", elements, shortest(|| pooling::into(black_box(&x), &mut small)));
    report("of pooling", elements, shortest(|| of_pooling::into(black_box(&x), &small, &mut y)));
}
