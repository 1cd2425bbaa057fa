//! Programs of users, called with tensors of the host and with the same tensors on a device.
//!
//! What has the same loops on both has the same bits, and so has attention, whose rows have the same sums in stripes: all but its sums over rows.

use crate::simulated::{devices, simulated};
use crate::{CPU, floats as noise, whole};
use defn::prelude::*;

/// Calls with tensors there and here; results must be alike to the last bit. Numbers stand behind a semicolon.
macro_rules! same {
    ($device:ident, $function:expr, $($x:expr),* $(; $($number:expr),*)?) => {{
        let there = $function($(&$x.to(&$device),)* $($($number),*)?);
        let here = $function($(&$x,)* $($($number),*)?);
        assert_eq!(there.to(&CPU), here, "{}{:?}", stringify!($function), [$($x.shape().to_vec()),*]);
    }};
}

fn singles<const RANK: usize>(shape: [usize; RANK], seed: u32) -> Tensor<f32, RANK> {
    noise(shape, seed)
}

fn doubles<const RANK: usize>(shape: [usize; RANK], seed: u32) -> Tensor<f64, RANK> {
    noise(shape, seed)
}

/// Columns and rows: nothing, one, odd, and more than a block of threads.
const SHAPES: [[usize; 2]; 6] = [[0, 3], [4, 0], [1, 1], [3, 7], [33, 20], [5, 300]];

#[defn]
fn polynomial(x: Tensor<f32, n, m>) -> Tensor<f32, n, m> {
    x * (1.0 + x * (0.5 - x)) - x.abs()
}

#[defn]
fn elementary(x: Tensor<f64, n, m>) -> (Tensor<f64, n, m>, Tensor<f64, n, m>) {
    (x.sin() + x.exp() * x.tanh(), (1.0 + x.square()).ln() / (2.0 + x.cos()))
}

#[defn]
fn rounded(x: Tensor<f32, n, m>) -> (Tensor<i32, n, m>, Tensor<bool, n, m>, Tensor<f64, n, m>) {
    (x.floor() as i32 % 3, x > 0.25, x as f64)
}

#[defn]
fn added(x: Tensor<f32, n, m>, y: Tensor<f32, m>) -> Tensor<f32, n, m> {
    x + y.max(0.0) - x.min(y)
}

#[test]
fn elementwise() {
    for device in devices("elementwise") {
        for shape in SHAPES {
            let (x, y) = (singles(shape, 1), singles([shape[1]], 2));
            same!(device, polynomial, x);
            same!(device, elementary, doubles(shape, 3));
            same!(device, rounded, x);
            same!(device, added, x, y);
        }
    }
}

#[defn]
fn rows(x: Tensor<f32, n, m>) -> (Tensor<f32, n>, Tensor<f32, n>, Tensor<i64, n>) {
    (x.sum(m), x.max(m), x.argmax(m))
}

#[defn]
fn columns(x: Tensor<f64, n, m>) -> (Tensor<f64, m>, Tensor<f64, m>, Tensor<bool, m>) {
    (x.mean(n), x.min(n), (x > -1.5).all(n))
}

#[defn]
fn normalized(x: Tensor<f32, n, m>) -> Tensor<f32, n, m> {
    (x - x.mean(m)) / (x.variance(m) + 1e-5).sqrt()
}

#[defn]
fn whole_sum(x: Tensor<f32, n>) -> (f32, f32) {
    (x.sum(), x.square().max())
}

#[test]
fn reductions() {
    for device in devices("reductions") {
        for shape in [[1, 1], [3, 7], [33, 20], [5, 300]] {
            let x = singles(shape, 4);
            same!(device, rows, x);
            same!(device, columns, doubles(shape, 5));
            same!(device, normalized, x);
        }
        for n in [1, 33, 5000] {
            same!(device, whole_sum, whole([n], 6));
        }
    }
}

#[defn]
fn product(x: Tensor<f32, n, k>, y: Tensor<f32, k, m>) -> Tensor<f32, n, m> {
    x.dot(y, k)
}

#[defn]
fn turned_product(x: Tensor<f64, k, n>, y: Tensor<f64, m, k>) -> Tensor<f64, n, m> {
    x.dot(y, k).tanh()
}

#[defn]
fn batched(
    x: Tensor<f32, b, n, k>,
    y: Tensor<f32, b, k, m>,
    z: Tensor<f32, m>,
) -> Tensor<f32, b, n, m> {
    vmap!(product, over = b)(x, y) + z
}

#[defn]
fn attention(
    q: Tensor<f32, query, d>,
    k: Tensor<f32, word, d>,
    v: Tensor<f32, word, d>,
) -> Tensor<f32, query, d> {
    (0.5 * q.dot(k, d)).softmax(word).dot(v, word)
}

/// Each word sees itself and those in front of it.
#[defn]
fn causal(
    q: Tensor<f64, head, query, d>,
    k: Tensor<f64, head, word, d>,
    v: Tensor<f64, head, word, e>,
) -> Tensor<f64, head, query, e> {
    let scores = 0.5 * q.dot(k, d);
    (scores + select(iota(word) > iota(query), -1e9f64, 0.0f64)).softmax(word).dot(v, word)
}

#[defn]
fn attended(
    q: Tensor<f64, head, query, d>,
    k: Tensor<f64, head, word, d>,
    v: Tensor<f64, head, word, e>,
) -> f64 {
    causal(q, k, v).square().sum()
}

#[test]
fn products() {
    for device in devices("products") {
        for [n, k, m] in [[1, 1, 1], [3, 0, 2], [7, 5, 9], [33, 17, 40]] {
            same!(device, product, singles([n, k], 1), singles([k, m], 2));
            same!(device, turned_product, doubles([k, n], 3), doubles([m, k], 4));
            same!(device, batched, singles([2, n, k], 5), singles([2, k, m], 6), singles([m], 7));
        }
        for [queries, words] in [[9, 13], [1, 9], [9, 3], [50, 20]] {
            let (q, k) = (singles([queries, 4], 1), singles([words, 4], 2));
            same!(device, attention, q, k, singles([words, 4], 3));
        }
    }
}

/// A sequence of more than two parts, the last of which is longer: rows have the bits of the processor
/// wherever values have more than one column. With one, their product alone is a sum along the keys, but not in stripes.
#[test]
fn long_attention_goes_by_parts() {
    for device in devices("long_attention_goes_by_parts") {
        for [heads, queries, words, d, e] in
            [[1, 1024, 3, 2, 8], [1, 1024, 9, 2, 8], [2, 1591, 7, 3, 5]]
        {
            let q = doubles([heads, queries, d], 1);
            let (k, v) = (doubles([heads, words, d], 2), doubles([heads, words, e], 3));
            same!(device, causal, q, k, v);
            let slopes = grad!(attended, wrt = (q, k, v));
            let there = slopes(&q.to(&device), &k.to(&device), &v.to(&device)).to(&CPU);
            let here = slopes(&q, &k, &v);
            assert_eq!(there.0, here.0);
            // Sums over queries of numbers below 100 have another order: each step rounds at most once.
            let bound = 2.0 * 100.0 * (queries * queries) as f64 * f64::EPSILON;
            assert!(there.1.is_close(&here.1, 0.0, bound), "{}", there.1);
            assert!(there.2.is_close(&here.2, 0.0, bound), "{}", there.2);
        }
    }
}

/// More queries are more parts, one after the other, in the same scratch.
#[test]
fn long_attention_needs_little_memory() {
    let (device, driver) = simulated(2);
    let needed = |queries: usize| {
        let (q, k) = (singles([queries, 1], 1).to(&device), singles([16, 1], 2).to(&device));
        let y = attention(&q, &k, &k);
        // Scratch is kept for the next call.
        let needed = driver.allocated();
        drop((q, k, y));
        device.trim();
        needed
    };
    let (short, long) = (needed(1535), needed(4 * 1535));
    let scores = 4 * 1535 * 16 * size_of::<f32>();
    assert!(long < scores && long < 4 * short, "{long} bytes for 6140 queries, {short} for 1535");
}

#[defn]
fn sorted(x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<i64, n>) {
    (x.sort(n), x.argsort(n))
}

#[defn]
fn largest(
    x: Tensor<i32, n, m>,
) -> (Tensor<i32, n, m>, Tensor<i32, n, m<2>>, Tensor<i64, n, m<2>>) {
    let (values, places) = x.top_k(m, 2);
    (x.sort(m, descending = true), values, places)
}

#[test]
fn sorts() {
    for device in devices("sorts") {
        for n in [0, 1, 2, 33, 200] {
            same!(device, sorted, singles([n], 1));
        }
        for shape in [[1, 2], [3, 7], [5, 40]] {
            same!(device, largest, whole(shape, 2).cast::<i32>());
        }
    }
}

#[defn]
fn accumulated(x: Tensor<f32, n, m>) -> (Tensor<f32, n, m>, Tensor<f32, n, m>) {
    (x.cumsum(m), x.cummax(n))
}

#[defn]
fn picked(table: Tensor<f32, vocab, width>, ids: Tensor<i64, batch>) -> Tensor<f32, batch, width> {
    table.take(vocab, ids)
}

#[defn]
fn scattered(
    x: Tensor<f32, vocab, width>,
    ids: Tensor<i64, batch>,
    values: Tensor<f32, batch, width>,
) -> Tensor<f32, vocab, width> {
    x.add_at(vocab, ids, values)
}

#[defn]
fn cut(x: Tensor<f64, n, m>) -> (Tensor<f64, n, m>, Tensor<f64, n, m<{ m - 1 }>>) {
    (x.reverse(n), x.slice(m, 1..) - x.slice(m, ..m - 1))
}

#[test]
fn elements_move() {
    for device in devices("elements_move") {
        for shape in [[1, 1], [3, 7], [33, 20], [5, 300]] {
            same!(device, accumulated, whole(shape, 1));
            same!(device, cut, doubles(shape, 2));
            let ids = whole([9], 3).cast::<i64>();
            same!(device, picked, singles(shape, 4), ids);
            same!(device, scattered, whole(shape, 5), ids, whole([9, shape[1]], 6));
        }
    }
}

#[defn]
fn noisy(x: Tensor<f32, n>, key: Key) -> (Tensor<f32, n>, Tensor<bool, n>, Tensor<f64, n>) {
    let (a, rest) = key.split();
    let (b, c) = rest.split();
    (x + 0.1 * normal::<f32>(a, n), bernoulli(b, 0.5, n), uniform::<f64>(c, n))
}

#[test]
fn random_numbers() {
    for device in devices("random_numbers") {
        for n in [0, 1, 65, 300] {
            same!(device, noisy, singles([n], 1); Key::new(7));
        }
    }
}

#[defn]
fn repeated(x: Tensor<f64, n>, count: usize) -> Tensor<f64, n> {
    let mut y = x;
    for i in 0..count {
        for j in 0..2 {
            y = 0.9 * y + (x + (i * j) as f64).sin();
        }
    }
    y
}

#[defn]
fn halved(x: Tensor<f64, n>) -> (Tensor<f64, n>, i64) {
    let mut y = x;
    let mut steps = 0i64;
    while y.square().sum() > 0.5 {
        y = 0.5 * y;
        steps += 1;
    }
    (y, steps)
}

#[defn]
fn chosen(x: Tensor<f32, n>) -> Tensor<f32, n> {
    if x.max() > 1.5 { x.sort(n) } else { x.cumsum(n) }
}

#[defn]
fn root(x: f64) -> (f64, i64) {
    let mut guess = x.max(1.0);
    let mut steps = 0i64;
    while (guess * guess - x).abs() > 1e-9 * x && steps < 100 {
        guess = 0.5 * (guess + x / guess);
        steps += 1;
    }
    (guess, steps)
}

#[test]
fn loops_and_branches() {
    for device in devices("loops_and_branches") {
        for n in [1, 5, 70] {
            let x = doubles([n], 8);
            for count in [0, 1, 4] {
                same!(device, repeated, x; count);
            }
            same!(device, halved, x);
            same!(device, chosen, singles([n], 9));
            same!(device, chosen, singles([n], 9).map(|x| 0.1 * x));
            same!(device, vmap!(root, over = b), x.map(f64::abs));
        }
    }
}

/// What a model has learned.
#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Model {
    weight: Tensor<f32, pixel, hidden>,
    bias: Tensor<f32, hidden>,
    step: i64,
}

#[defn]
fn loss(p: Model, x: Tensor<f32, batch, pixel>, y: Tensor<f32, batch, hidden>) -> f32 {
    (x.dot(p.weight, pixel) + p.bias - y).square().sum(hidden).mean()
}

#[defn]
fn trained(
    p: &mut Model,
    x: Tensor<f32, batch, pixel>,
    y: Tensor<f32, batch, hidden>,
) -> Tensor<f32, hidden> {
    let slope = grad!(loss)(*p, x, y);
    p.weight = p.weight - 0.05 * slope.weight;
    p.bias = p.bias - 0.05 * slope.bias;
    p.step = p.step + 1;
    p.bias
}

#[defn]
fn shifted(x: &mut Tensor<f32, n>, by: f32) {
    *x = x.reverse(n) + by;
}

#[test]
fn updates_and_training() {
    for device in devices("updates_and_training") {
        let mut here = Model { weight: singles([5, 3], 1), bias: singles([3], 2), step: 0 };
        let mut there = here.to(&device);
        let (x, y) = (singles([11, 5], 3), singles([11, 3], 4));
        for _ in 0..3 {
            let bias = trained(&mut there, &x.to(&device), &y.to(&device));
            assert_eq!(bias.to(&CPU), trained(&mut here, &x, &y));
            assert_eq!(there.to(&CPU), here);
        }
        assert_eq!(here.step, 3);
        let (mut here, mut there) = (singles([40], 5), singles([40], 5).to(&device));
        let kept = there.clone();
        for by in [0.5, -1.0] {
            shifted(&mut here, by);
            shifted(&mut there, by);
            assert_eq!(there.to(&CPU), here);
        }
        assert_eq!(kept.to(&CPU), singles([40], 5), "who has a clone sees no change");
    }
}

#[defn]
fn energy(x: Tensor<f64, n>, a: Tensor<f64, n, m>) -> f64 {
    x.dot(a, n).tanh().sum()
}

#[test]
fn gradients_and_maps() {
    for device in devices("gradients_and_maps") {
        let (x, a) = (doubles([9], 1), doubles([9, 5], 2));
        same!(device, value_and_grad!(energy), x, a);
        same!(device, |x: &_, a: &_| jvp!(energy, wrt = x)(x, a, x), x, a);
        let rows = doubles([6, 9], 3);
        same!(device, vmap!(energy, over = b, of = x), rows, a);
        same!(device, vmap!(grad!(energy), over = b, of = x), rows, a);
    }
}

/// Kernels ran, memory went back to the pool, and nobody keeps any.
#[test]
fn the_simulated_device_did_it() {
    let (device, driver) = simulated(1);
    let x = singles([33, 20], 1).to(&device);
    let before = driver.counts().launches;
    let y = normalized(&x);
    assert!(driver.counts().launches > before, "{:?}", driver.counts());
    assert_eq!(y.device().to_string(), "cuda:1");
    drop((x, y));
    device.trim();
    assert_eq!(driver.allocated(), 0);
}
