//! Attention of eight heads, its gradient, and a layer of an encoder around attention.

use defn::prelude::*;

use crate::inputs::{normal, scaled};
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{
    Near, all, by_rows, check, constant, exact, product, sampled, softmax, sum, transposed,
};
use crate::rows::normalised;

#[defn]
fn attention(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> Tensor<f32, head, query, dim> {
    (q.dot(k, dim) * 0.125).softmax(key).dot(v, key)
}

/// What attention attends to, as one number.
#[defn]
fn attended(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> f32 {
    attention(q, k, v).square().sum()
}

/// The gradient of that with respect to everything.
#[defn]
fn slopes(
    q: Tensor<f32, head, query, dim>,
    k: Tensor<f32, head, key, dim>,
    v: Tensor<f32, head, key, dim>,
) -> (Tensor<f32, head, query, dim>, Tensor<f32, head, key, dim>, Tensor<f32, head, key, dim>) {
    grad!(attended, wrt = (q, k, v))(q, k, v)
}

const HEADS: usize = 8;
const SEQUENCE: usize = 512;
const DIM: usize = 64;

fn queries_keys_values() -> [Tensor<f32, 3>; 3] {
    [1, 2, 3].map(|seed| normal([HEADS, SEQUENCE, DIM], seed))
}

/// The elements of each head.
fn heads(x: &[Near]) -> impl Iterator<Item = &[Near]> {
    x.chunks(x.len() / HEADS)
}

/// How much each query of a head looks at each key.
fn looks(q: &[Near], k: &[Near], [queries, keys, dim]: [usize; 3], scale: Near) -> Vec<Near> {
    let scores = product(q, &transposed(k, [keys, dim]), [queries, dim, keys]);
    let scores: Vec<Near> = scores.into_iter().map(|score| score * scale).collect();
    by_rows(&scores, keys, softmax)
}

pub(crate) fn attention_h8_s512_d64(stopwatch: &Stopwatch) -> Verdict<Times> {
    attention_over(SEQUENCE, stopwatch)
}

pub(crate) fn attention_h8_s4096_d64(stopwatch: &Stopwatch) -> Verdict<Times> {
    attention_over(4096, stopwatch)
}

pub(crate) fn attention_h8_s16384_d64(stopwatch: &Stopwatch) -> Verdict<Times> {
    attention_over(16384, stopwatch)
}

/// Longer sequences are compared in a sample of their queries.
const ALL: usize = 1024;
const SAMPLE: usize = 16;

fn attention_over(sequence: usize, stopwatch: &Stopwatch) -> Verdict<Times> {
    let [q, k, v] = [1, 2, 3].map(|seed| normal([HEADS, sequence, DIM], seed));
    let queries = sampled(sequence, if sequence <= ALL { sequence } else { SAMPLE });
    let of_queries = |x: &Tensor<f32, 3>| {
        Tensor::from_fn([HEADS, queries.len(), DIM], |[head, i, d]| x[[head, queries[i], d]])
    };
    let expected = || {
        let (q, k, v) = (all(&of_queries(&q)), all(&k), all(&v));
        let of_head = |((q, k), v)| {
            let looks = looks(q, k, [queries.len(), sequence, DIM], exact(0.125));
            product(&looks, v, [queries.len(), sequence, DIM])
        };
        heads(&q).zip(heads(&k)).zip(heads(&v)).flat_map(of_head).collect::<Vec<_>>()
    };
    stopwatch.time(
        &(q.clone(), k.clone(), v.clone()),
        |(q, k, v)| attention(q, k, v),
        |(q, k, v), y| attention::into(q, k, v, y),
        |y| check(&of_queries(y), &expected()),
    )
}

/// The gradients of a head with respect to queries, keys and values.
fn head_gradients(q: &[Near], k: &[Near], v: &[Near]) -> [Vec<Near>; 3] {
    let (wide, tall) = ([SEQUENCE, SEQUENCE, DIM], [SEQUENCE, DIM, SEQUENCE]);
    let looks = looks(q, k, wide, exact(0.125));
    let slope: Vec<Near> = product(&looks, v, wide).into_iter().map(|y| exact(2.0) * y).collect();
    let of_v = product(&transposed(&looks, [SEQUENCE; 2]), &slope, wide);
    let of_looks = product(&slope, &transposed(v, [SEQUENCE, DIM]), tall);
    let mut of_scores = Vec::with_capacity(looks.len());
    for (p, g) in looks.chunks(SEQUENCE).zip(of_looks.chunks(SEQUENCE)) {
        let common = sum(p.iter().zip(g).map(|(p, g)| *p * *g));
        of_scores.extend(p.iter().zip(g).map(|(p, g)| exact(0.125) * *p * (*g - common)));
    }
    let of_q = product(&of_scores, k, wide);
    let of_k = product(&transposed(&of_scores, [SEQUENCE; 2]), q, wide);
    [of_q, of_k, of_v]
}

pub(crate) fn attention_h8_s512_d64_grad(stopwatch: &Stopwatch) -> Verdict<Times> {
    let [q, k, v] = queries_keys_values();
    stopwatch.time(
        &(q.clone(), k.clone(), v.clone()),
        |(q, k, v)| slopes(q, k, v),
        |(q, k, v), found| slopes::into(q, k, v, found),
        |found| {
            let (q, k, v) = (all(&q), all(&k), all(&v));
            let mut expected = [const { Vec::new() }; 3];
            for ((q, k), v) in heads(&q).zip(heads(&k)).zip(heads(&v)) {
                let gradients = head_gradients(q, k, v);
                expected.iter_mut().zip(gradients).for_each(|(all, head)| all.extend(head));
            }
            let off = check(&found.0, &expected[0])?.max(check(&found.1, &expected[1])?);
            Ok(off.max(check(&found.2, &expected[2])?))
        },
    )
}

/// What an encoder layer learns.
#[defn]
#[derive(Clone, PartialEq)]
struct Encoder {
    qkv: Tensor<f32, width, part<3>, head, dim>,
    o: Tensor<f32, head, dim, width>,
    up: Tensor<f32, width, wide>,
    down: Tensor<f32, wide, width>,
    first: Tensor<f32, width>,
    second: Tensor<f32, width>,
}

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
    let h = norm(x + attended.dot(p.o, (head, dim)), p.first);
    norm(h + gelu(h.dot(p.up, width)).dot(p.down, wide), p.second)
}

const TIME: usize = 128;
const WIDTH: usize = 384;
const PARTS: usize = 12;

/// A row-major matrix of some columns of another.
fn columns(x: &[Near], width: usize, range: std::ops::Range<usize>) -> Vec<Near> {
    x.chunks(width).flat_map(|row| row[range.clone()].iter().copied()).collect()
}

/// Two matrices added up, then normalised row by row and scaled.
fn reference_norm(x: &[Near], y: &[Near], gain: &[Near]) -> Vec<Near> {
    let total: Vec<Near> = x.iter().zip(y).map(|(x, y)| *x + *y).collect();
    let row = |x: &[Near]| normalised(x).into_iter().zip(gain).map(|(x, g)| x * *g).collect();
    by_rows(&total, WIDTH, row)
}

fn reference_encoder(p: &Encoder, x: &[Near]) -> Vec<Near> {
    let dim = WIDTH / PARTS;
    let qkv = product(x, &all(&p.qkv), [TIME, WIDTH, 3 * WIDTH]);
    let scale = exact(1.0) / exact(dim as f32).sqrt();
    let mut attended = vec![exact(0.0); TIME * WIDTH];
    for head in 0..PARTS {
        let part = |part: usize| {
            let start = part * WIDTH + head * dim;
            columns(&qkv, 3 * WIDTH, start..start + dim)
        };
        let looks = looks(&part(0), &part(1), [TIME, TIME, dim], scale);
        let found = product(&looks, &part(2), [TIME, TIME, dim]);
        for (at, value) in found.into_iter().enumerate() {
            attended[at / dim * WIDTH + head * dim + at % dim] = value;
        }
    }
    let projected = product(&attended, &all(&p.o), [TIME, WIDTH, WIDTH]);
    let h = reference_norm(x, &projected, &all(&p.first));
    let gelu = |x: Near| {
        let inner = x * constant(std::f64::consts::FRAC_1_SQRT_2);
        exact(0.5) * x * (exact(1.0) + inner.erf())
    };
    let up = product(&h, &all(&p.up), [TIME, WIDTH, 4 * WIDTH]);
    let up: Vec<Near> = up.into_iter().map(gelu).collect();
    let down = product(&up, &all(&p.down), [TIME, 4 * WIDTH, WIDTH]);
    reference_norm(&h, &down, &all(&p.second))
}

pub(crate) fn encoder_layer_s128_d384(stopwatch: &Stopwatch) -> Verdict<Times> {
    let p = Encoder {
        qkv: scaled([WIDTH, 3, PARTS, WIDTH / PARTS], 1, 0.05),
        o: scaled([PARTS, WIDTH / PARTS, WIDTH], 2, 0.05),
        up: scaled([WIDTH, 4 * WIDTH], 3, 0.05),
        down: scaled([4 * WIDTH, WIDTH], 4, 0.05),
        first: normal([WIDTH], 5),
        second: normal([WIDTH], 6),
    };
    let x = normal([TIME, WIDTH], 7);
    stopwatch.time(
        &(p.clone(), x.clone()),
        |(p, x)| encoder(p, x),
        |(p, x), y| encoder::into(p, x, y),
        |y| check(y, &reference_encoder(&p, &all(&x))),
    )
}
