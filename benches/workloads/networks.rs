//! Networks of three layers: forward, a step of training, and a gradient for each example.

use defn::prelude::*;

use crate::inputs::{normal, positions, scaled};
use crate::measure::{Spoil, Stopwatch, Times, Verdict};
use crate::reference::{
    Near, all, by_rows, check, constant, exact, plus_row, product, softmax, sum, sum_of_rows,
    transposed,
};

/// An affine map.
#[defn]
#[derive(Clone, PartialEq)]
struct Dense<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
}

/// Three of them.
#[defn]
#[derive(Clone, PartialEq)]
struct Mlp {
    first: Dense<pixel, wide>,
    second: Dense<wide, narrow>,
    third: Dense<narrow, class>,
}

#[defn]
fn dense(p: Dense<inp, out>, x: Tensor<f32, batch, inp>) -> Tensor<f32, batch, out> {
    x.dot(p.w, inp) + p.b
}

/// How much speaks for each class, as logarithms of odds.
#[defn]
fn logits(p: Mlp, x: Tensor<f32, batch, pixel>) -> Tensor<f32, batch, class> {
    dense(p.third, dense(p.second, dense(p.first, x).max(0.0)).max(0.0))
}

#[defn]
fn forward(p: Mlp, x: Tensor<f32, batch, pixel>) -> Tensor<f32, batch, class> {
    logits(p, x).softmax(class)
}

/// Softmax cross-entropy with the probabilities that each class should have.
#[defn]
fn loss(p: Mlp, x: Tensor<f32, batch, pixel>, y: Tensor<f32, batch, class>) -> f32 {
    let z = logits(p, x);
    -((z - z.logsumexp(class)) * y).sum(class).mean()
}

/// A step of gradient descent: the loss before it, and the network after it.
#[defn]
fn train_step(p: Mlp, x: Tensor<f32, batch, pixel>, y: Tensor<f32, batch, class>) -> (f32, Mlp) {
    let (value, slope) = value_and_grad!(loss)(p, x, y);
    (value, p - 0.1 * slope)
}

/// The same in place.
#[defn]
fn train(p: &mut Mlp, x: Tensor<f32, batch, pixel>, y: Tensor<f32, batch, class>) -> f32 {
    let (value, slope) = value_and_grad!(loss)(p, x, y);
    *p = p - 0.1 * slope;
    value
}

const SIZES: [usize; 4] = [784, 512, 256, 10];

impl Mlp {
    fn random() -> Self {
        let dense = |layer: usize| Dense {
            w: scaled([SIZES[layer], SIZES[layer + 1]], 2 * layer as u64 + 1, 0.05),
            b: scaled([SIZES[layer + 1]], 2 * layer as u64 + 2, 0.05),
        };
        Self { first: dense(0), second: dense(1), third: dense(2) }
    }

    fn layers(&self) -> [&Dense; 3] {
        [&self.first, &self.second, &self.third]
    }
}

impl Spoil for Mlp {
    fn spoil(&mut self) {
        for dense in [&mut self.first, &mut self.second, &mut self.third] {
            dense.w.spoil();
            dense.b.spoil();
        }
    }
}

/// What enters each layer, and what leaves the last.
fn reference_activations(p: &Mlp, x: &[Near], batch: usize) -> Vec<Vec<Near>> {
    let mut entering = vec![x.to_vec()];
    let mut affine = x.to_vec();
    for (layer, dense) in p.layers().into_iter().enumerate() {
        let x: Vec<Near> = match layer {
            0 => affine,
            _ => affine.into_iter().map(Near::relu).collect(),
        };
        let extents = [batch, SIZES[layer], SIZES[layer + 1]];
        affine = plus_row(&product(&x, &all(&dense.w), extents), &all(&dense.b));
        entering.push(affine.clone());
    }
    entering
}

fn forward_of(batch: usize, stopwatch: &Stopwatch) -> Verdict<Times> {
    let (p, x) = (Mlp::random(), normal([batch, SIZES[0]], 9));
    stopwatch.time(
        &(p.clone(), x.clone()),
        |(p, x)| forward(p, x),
        |(p, x), y| forward::into(p, x, y),
        |y| {
            let activations = reference_activations(&p, &all(&x), batch);
            check(y, &by_rows(&activations[3], SIZES[3], softmax))
        },
    )
}

pub(crate) fn mlp_forward_b64(stopwatch: &Stopwatch) -> Verdict<Times> {
    forward_of(64, stopwatch)
}

pub(crate) fn mlp_forward_b1(stopwatch: &Stopwatch) -> Verdict<Times> {
    forward_of(1, stopwatch)
}

/// What a step should make: the loss, and the elements of each layer's weights and biases.
fn reference_step(p: &Mlp, x: &Tensor<f32, 2>, y: &Tensor<f32, 2>) -> (Near, Vec<[Vec<Near>; 2]>) {
    let batch = x.shape()[0];
    let count = exact(batch as f32);
    let activations = reference_activations(p, &all(x), batch);
    let labels = all(y);
    let logarithm = |row: &[Near]| -> Vec<Near> {
        let most = row.iter().copied().reduce(Near::max).expect("there are classes");
        let total = sum(row.iter().map(|z| (*z - most).exp())).ln() + most;
        row.iter().map(|z| *z - total).collect()
    };
    let surprise = by_rows(&activations[3], SIZES[3], logarithm);
    let value = -(sum(surprise.iter().zip(&labels).map(|(s, y)| *s * *y)) / count);

    let chosen = by_rows(&activations[3], SIZES[3], softmax);
    let mut slope: Vec<Near> = chosen.iter().zip(&labels).map(|(s, y)| (*s - *y) / count).collect();
    let mut layers = Vec::new();
    for (layer, dense) in p.layers().into_iter().enumerate().rev() {
        let (inp, out) = (SIZES[layer], SIZES[layer + 1]);
        let before = &activations[layer];
        let entering: Vec<Near> = match layer {
            0 => before.clone(),
            _ => before.iter().copied().map(Near::relu).collect(),
        };
        let moved = |start: Vec<Near>, slope: Vec<Near>| -> Vec<Near> {
            start.iter().zip(&slope).map(|(p, g)| *p - constant(0.1) * *g).collect()
        };
        let of_w = product(&transposed(&entering, [batch, inp]), &slope, [inp, batch, out]);
        let w = moved(all(&dense.w), of_w);
        let b = moved(all(&dense.b), sum_of_rows(&slope, out));
        layers.push([w, b]);
        let back = product(&slope, &transposed(&all(&dense.w), [inp, out]), [batch, out, inp]);
        slope = back.iter().zip(before).map(|(g, x)| g.through_relu(*x)).collect();
    }
    layers.reverse();
    (value, layers)
}

fn check_step(
    (value, stepped): (f32, &Mlp),
    (expected, layers): &(Near, Vec<[Vec<Near>; 2]>),
) -> Verdict<f64> {
    let mut off = check(&Tensor::<f32, 0>::from(value), &[*expected])?;
    for (dense, [w, b]) in stepped.layers().into_iter().zip(layers) {
        off = off.max(check(&dense.w, w)?).max(check(&dense.b, b)?);
    }
    Ok(off)
}

/// Images, and which of ten classes each belongs to.
fn batch_of(batch: usize) -> (Tensor<f32, 2>, Tensor<f32, 2>) {
    let class = positions(batch, 10, 10);
    let hot = |[row, column]: [usize; 2]| f32::from(u8::from(class[[row]] == column as i32));
    (normal([batch, SIZES[0]], 9), Tensor::from_fn([batch, SIZES[3]], hot))
}

/// The parameters are returned, as a functional program does.
pub(crate) fn mlp_train_step_b64(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (p, (x, y)) = (Mlp::random(), batch_of(64));
    stopwatch.time(
        &(p.clone(), x.clone(), y.clone()),
        |(p, x, y)| train_step(p, x, y),
        |(p, x, y), result| train_step::into(p, x, y, result),
        |(value, stepped)| check_step((*value, stepped), &reference_step(&p, &x, &y)),
    )
}

/// The parameters are changed in place, as a Rust program does.
pub(crate) fn mlp_train_step_b64_in_place(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (p, (x, y)) = (Mlp::random(), batch_of(64));
    let expected = reference_step(&p, &x, &y);
    stopwatch.time_in_place(
        &(x, y),
        (0.0, p),
        |(x, y), (value, p)| *value = train(p, x, y),
        |(value, p)| check_step((*value, p), &expected),
    )
}

/// A small network for each example of a batch.
#[defn]
#[derive(Clone, PartialEq)]
struct Each {
    w: Tensor<f32, batch, inp, hidden>,
    b: Tensor<f32, batch, hidden>,
    v: Tensor<f32, batch, hidden, out>,
    c: Tensor<f32, batch, out>,
}

impl Spoil for Each {
    fn spoil(&mut self) {
        self.w.spoil();
        self.b.spoil();
        self.v.spoil();
        self.c.spoil();
    }
}

/// The sum of all losses: the examples do not meet, so its slope is the slope of each example's own loss.
#[defn]
fn losses(p: Each, x: Tensor<f32, batch, inp>, y: Tensor<f32, batch, out>) -> f32 {
    let active = (x.dot(p.w, inp) + p.b).tanh();
    (active.dot(p.v, hidden) + p.c - y).square().sum()
}

/// The gradient of one network's loss for each example.
#[defn]
fn per_example(
    first: Dense<inp, hidden>,
    second: Dense<hidden, out>,
    x: Tensor<f32, batch, inp>,
    y: Tensor<f32, batch, out>,
) -> Each {
    let own = Each {
        w: first.w.broadcast(batch = batch).order(batch, inp, hidden),
        b: first.b.broadcast(batch = batch).order(batch, hidden),
        v: second.w.broadcast(batch = batch).order(batch, hidden, out),
        c: second.b.broadcast(batch = batch).order(batch, out),
    };
    grad!(losses)(own, x, y)
}

pub(crate) fn per_example_grad_mlp_b256(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (batch, inp, hidden) = (256, 32, 64);
    let first = Dense { w: scaled([inp, hidden], 1, 0.1), b: scaled([hidden], 2, 0.1) };
    let second = Dense { w: scaled([hidden, 1], 3, 0.1), b: scaled([1], 4, 0.1) };
    let (x, y) = (normal([batch, inp], 5), normal([batch, 1], 6));
    let expected = || {
        let (rows, columns) = (all(&x), all(&second.w));
        let affine =
            plus_row(&product(&rows, &all(&first.w), [batch, inp, hidden]), &all(&first.b));
        let active: Vec<Near> = affine.into_iter().map(Near::tanh).collect();
        let found = plus_row(&product(&active, &columns, [batch, hidden, 1]), &all(&second.b));
        let c: Vec<Near> =
            found.iter().zip(all(&y)).map(|(found, y)| exact(2.0) * (*found - y)).collect();
        let v: Vec<Near> = active.iter().enumerate().map(|(at, h)| *h * c[at / hidden]).collect();
        let slope = |(at, h): (usize, &Near)| {
            c[at / hidden] * columns[at % hidden] * (exact(1.0) - *h * *h)
        };
        let b: Vec<Near> = active.iter().enumerate().map(slope).collect();
        let w: Vec<Near> = (0..batch * inp * hidden)
            .map(|at| rows[at / hidden] * b[at / (inp * hidden) * hidden + at % hidden])
            .collect();
        [w, b, v, c]
    };
    stopwatch.time(
        &(first.clone(), second.clone(), x.clone(), y.clone()),
        |(first, second, x, y)| per_example(first, second, x, y),
        |(first, second, x, y), slope| per_example::into(first, second, x, y, slope),
        |slope| {
            let [w, b, v, c] = expected();
            let off = check(&slope.w, &w)?.max(check(&slope.b, &b)?);
            Ok(off.max(check(&slope.v, &v)?).max(check(&slope.c, &c)?))
        },
    )
}
