//! Programs of the design.
use defn::prelude::*;

#[defn]
pub fn attention(q: Tensor<f32, head, query, dim>, k: Tensor<f32, head, key, dim>, v: Tensor<f32, head, key, value>) -> Tensor<f32, head, query, value> {
    let score = q.dot(k, dim) / (dim as f32).sqrt();
    let e = (score - score.max(key)).exp();
    (e / e.sum(key)).dot(v, key)
}

#[defn]
#[derive(Clone)]
pub struct Dense<inp, out> { pub w: Tensor<f32, inp, out>, pub b: Tensor<f32, out> }

#[defn]
#[derive(Clone)]
pub struct Mlp { pub l1: Dense<pixel<784>, hidden>, pub l2: Dense<hidden, class<10>> }

#[defn]
pub fn logits(p: Mlp, x: Tensor<f32, batch, pixel<784>>) -> Tensor<f32, batch, class<10>> {
    let h = (x.dot(p.l1.w, pixel) + p.l1.b).max(0.0);
    h.dot(p.l2.w, hidden) + p.l2.b
}

#[defn]
pub fn loss(p: Mlp, x: Tensor<f32, batch, pixel<784>>, y: Tensor<i32, batch>) -> f32 {
    let z = logits(p, x);
    let picked = z.take(class, y);
    (z.logsumexp(class) - picked).mean()
}

#[defn]
pub fn sgd(p: &mut Mlp, x: Tensor<f32, batch, pixel<784>>, y: Tensor<i32, batch>, lr: f32) -> f32 {
    let (value, g) = value_and_grad!(loss)(p, x, y);
    *p = p - lr * g;
    value
}

#[defn]
pub fn softmax(x: Tensor<f32, batch, class>) -> Tensor<f32, batch, class> {
    let e = (x - x.max(class)).exp();
    e / e.sum(class)
}

#[defn]
pub fn gelu(x: f32) -> f32 { 0.5 * x * (1.0 + (x / std::f32::consts::SQRT_2).erf()) }

#[defn]
pub fn lifted(x: Tensor<f32, batch, features>) -> Tensor<f32, batch, features> { gelu(x) }

#[defn]
const EPS: f32 = 1e-5;

#[defn]
pub fn norm(x: Tensor<f32, batch, features>, scale: Tensor<f32, features>) -> Tensor<f32, batch, features> {
    let c = x - x.mean(features);
    c / (x.variance(features) + EPS).sqrt() * scale
}

#[defn]
pub fn gen_norm<T: Float>(x: Tensor<T, n>) -> T { (x * x).sum(n).sqrt() }

#[defn]
pub fn uses_generic(x: Tensor<f64, k>) -> f64 { gen_norm(x) + 1.0 }

#[defn]
pub fn mean(x: Tensor<f32, batch>) -> f32 { x.sum(batch) / batch as f32 }

#[defn]
pub fn eye_of(n: usize) -> Tensor<f32, i<n>, j<n>> { eye::<f32>(i = n, j = n) }

#[defn]
pub fn square(a: Tensor<f64, i<n>, j<n>>) -> Tensor<f64, i<n>, j<n>> { a.dot(a, j = i) }

#[defn]
pub fn trace(x: Tensor<f32, i<n>, j<n>>) -> f32 { (x * eye::<f32>(i = n, j = n)).sum() }

#[defn]
pub fn heads(x: Tensor<f32, batch, time, {4 * 64}>) -> Tensor<f32, batch, head<4>, time, dim<64>> {
    x.name(2, features).split(features, (head, dim = 64)).order(batch, head, time, dim)
}

#[defn]
pub fn difference(x: Tensor<f32, time>) -> Tensor<f32, time<{time - 1}>> {
    x.slice(time, 1..) - x.slice(time, 0..time - 1)
}

#[defn]
pub fn dynamic(x: Tensor<f32, time>, i: i64) -> Tensor<f32, time<3>> { x.slice(time, i..i + 3) }

#[defn]
pub fn first(x: Tensor<f32, {3}, {4}>) -> Tensor<f32, {4}> { x[(1, ..)] * 2.0 }

#[defn]
pub fn accuracy(z: Tensor<f32, batch, class>, y: Tensor<i64, batch>) -> f32 {
    (z.argmax(class) == y).count(batch) as f32 / batch as f32
}

#[defn]
pub fn order_is_free(x: Tensor<f32, a, b>) -> Tensor<f32, b, a> { x * 2.0 }

#[defn]
pub fn second(x: f32) -> f32 { grad!(grad!(gelu))(x) }

#[defn]
pub fn with_state(w: Tensor<f32, n>, x: Tensor<f32, n>) -> (f32, Tensor<f32, n>) { let y = w * x; (y.sum(), y) }

#[defn]
pub fn both(w: Tensor<f32, n>, x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<f32, n>) {
    let ((value, y), (gw, gx)) = value_and_grad!(with_state, wrt = (w, x))(w, x);
    let (g, z) = grad!(with_state)(w, x);
    (gw + value * y + z, gx + g)
}

#[defn]
pub fn adam(p: &mut Dense<i, o>, m: &mut Dense<i, o>, v: &mut Dense<i, o>, g: Dense<i, o>, lr: f32) {
    *m = 0.9 * m + 0.1 * g;
    *v = 0.999 * v + 0.001 * (g * g);
    *p = p - lr * m / (v.sqrt() + 1e-8);
}

#[defn]
pub fn call_adam(p: &mut Mlp, m: &mut Mlp, v: &mut Mlp, g: Mlp) {
    adam(&mut p.l1, &mut m.l1, &mut v.l1, g.l1, 0.001);
    p.l2.w = p.l2.w * 0.5;
    p.l2.b += 1.0;
}

#[defn]
pub fn make(w: Tensor<f32, pixel<784>, class<10>>) -> Dense<pixel<784>, class<10>> {
    Dense { w, b: zeros::<f32>(class) }
}

#[defn]
pub fn embed(table: Tensor<f32, vocab, width>, ids: Tensor<i32, batch, time>) -> Tensor<f32, batch, time, width> {
    table.take(vocab, ids)
}

#[defn]
pub fn histogram(ids: Tensor<i64, n>) -> Tensor<i64, bin<10>> {
    zeros::<i64>(bin = 10).add_at(bin, ids, 1)
}

#[defn]
pub fn joined(x: Tensor<f32, time, a>, y: Tensor<f32, a, time>) -> Tensor<f32, a, time<{2 * time}>> { concat(time, x, y) }

#[defn]
pub fn masks(x: Tensor<f32, n>) -> Tensor<f32, n> { select((x > 0.0) & !x.is_nan(), x, 0.0).clamp(-1.0, 1.0).powi(3) }

#[defn]
type Row<n> = Tensor<f32, n>;

#[defn]
pub fn aliased(x: Row<batch>) -> Row<batch> { x.reverse(batch).roll(batch, 1) }

#[defn]
pub fn causal(x: Tensor<f32, query<time>, key<time>>) -> Tensor<f32, query<time>, key<time>> {
    select(iota(query = time) >= iota(key = time), x, f32::NEG_INFINITY)
}

#[defn]
pub fn positional(x: Tensor<f32, a<3>>) -> f32 { let parts = (x.at(a, 0), x[1], x[2]); parts.0 + parts.1 * parts.2 }

fn main() {
    let _ = grad!(loss);
    let _ = value_and_grad!(with_state, wrt = (w, x));
    let _ = grad!(with_state);
}
