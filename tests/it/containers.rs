//! Structs, tuples and arrays of tensors: as parameters, as results, in arithmetic, changed in place.

use crate::support::{floats, near, of_sums, same, whole};
use defn::prelude::*;

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Dense<inp, out> {
    w: Tensor<f32, inp, out>,
    b: Tensor<f32, out>,
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Net {
    first: Dense<pixel<4>, hidden>,
    blocks: [Dense<hidden, next<hidden>>; 2],
    scale: (f32, Tensor<f32, hidden>),
    steps: i64,
}

fn dense(inp: usize, out: usize, seed: u64) -> Dense {
    Dense { w: floats([inp, out], seed), b: floats([out], seed + 1) }
}

fn net(hidden: usize) -> Net {
    Net {
        first: dense(4, hidden, 1),
        blocks: [dense(hidden, hidden, 3), dense(hidden, hidden, 5)],
        scale: (0.5, floats([hidden], 7)),
        steps: 3,
    }
}

#[defn]
fn apply(d: Dense<inp, out>, x: Tensor<f32, batch, inp>) -> Tensor<f32, batch, out> {
    x.dot(d.w, inp) + d.b
}

#[defn]
fn forward(p: Net, x: Tensor<f32, batch, pixel<4>>) -> Tensor<f32, batch, hidden> {
    let mut h = apply(p.first, x).max(0.0);
    h = apply(p.blocks[0], h).rename(next, hidden);
    h += apply(p.blocks[1], h).rename(next, hidden) * p.scale.0;
    h * p.scale.1
}

fn affine(x: &Tensor<f32, 2>, d: &Dense) -> Tensor<f32, 2> {
    let [inp, out] = d.w.shape();
    Tensor::from_fn([x.shape()[0], out], |[i, j]| {
        (0..inp).map(|k| x[[i, k]] * d.w[[k, j]]).sum::<f32>() + d.b[[j]]
    })
}

#[test]
fn nested_containers_and_arrays_of_them() {
    for (batch, hidden) in [(0, 2), (2, 0), (1, 1), (3, 17)] {
        let (p, x) = (net(hidden), floats([batch, 4], 9));
        let h = affine(&x, &p.first).map(|x| x.max(0.0));
        let h = affine(&h, &p.blocks[0]);
        let more = affine(&h, &p.blocks[1]);
        near(&forward(&p, &x), of_sums::<f32>() * 100.0, |at| {
            f64::from((h[at] + more[at] * 0.5) * p.scale.1[[at[1]]])
        });
    }
}

#[defn]
fn descend(p: Net, g: Net, rate: f32) -> (Net, Net, Net) {
    (p - rate * g, p * 2.0, -p / g)
}

#[test]
fn arithmetic_maps_over_float_leaves() {
    let (p, mut g) = (net(3), net(3));
    g.steps = 100;
    g.first.b[[1]] = 4.0;
    let found = descend(&p, &g, 0.25);
    same(&found.0.first.b, |at| p.first.b[at] - 0.25 * g.first.b[at]);
    same(&found.0.blocks[1].w, |at| p.blocks[1].w[at] - 0.25 * g.blocks[1].w[at]);
    assert_eq!(found.0.scale.0, 0.5 - 0.25 * 0.5);
    // Leaves that are no floats keep the left value.
    assert_eq!((found.0.steps, found.1.steps, found.2.steps), (3, 3, 3));
    same(&found.1.scale.1, |at| p.scale.1[at] * 2.0);
    same(&found.2.first.w, |at| -p.first.w[at] / g.first.w[at]);
}

#[defn]
fn update(p: &mut Net, x: &mut Tensor<f32, pixel<4>>, rate: f32, count: &mut i64) -> f32 {
    let before = p.first.b.sum();
    p.first.b = p.first.b * rate;
    p.first.w += x;
    p.blocks[0].b -= rate;
    p.scale.0 *= 3.0;
    p.steps += 1;
    *x = x * 2.0;
    *count += n_of(p.first.b);
    before
}

#[defn]
fn n_of(x: Tensor<f32, n>) -> i64 {
    n
}

#[test]
fn mutable_parameters_are_updated_in_place() {
    let mut p = net(2);
    let (before, mut x, mut count) = (p.clone(), floats::<f32, 1>([4], 3), 10);
    let old = x.copied();
    let sum = update(&mut p, &mut x, 0.5, &mut count);
    assert_eq!(sum, before.first.b[[0]] + before.first.b[[1]]);
    same(&p.first.b, |at| before.first.b[at] * 0.5);
    same(&p.first.w, |[i, j]| before.first.w[[i, j]] + old[[i]]);
    same(&p.blocks[0].b, |at| before.blocks[0].b[at] - 0.5);
    assert_eq!(p.blocks[0].w, before.blocks[0].w);
    assert_eq!(p.blocks[1], before.blocks[1]);
    assert_eq!((p.scale.0, p.steps, count), (1.5, 4, 12));
    same(&x, |at| 2.0 * old[at]);
}

#[defn]
fn whole_leaf(x: &mut Tensor<f32, n>) {
    *x += 1.0;
}

#[defn]
fn passed_on(p: &mut Dense<a, b>, s: f32) -> f32 {
    whole_leaf(&mut p.b);
    let mut local = p.b * s;
    whole_leaf(&mut local);
    local.sum()
}

#[test]
fn mutable_places_are_passed_on() {
    let mut d = dense(2, 3, 1);
    let before = d.clone();
    let sum = passed_on(&mut d, 2.0);
    same(&d.b, |at| before.b[at] + 1.0);
    assert_eq!(d.w, before.w);
    let expected = d.b.iter().map(|x| f64::from(x * 2.0 + 1.0)).sum::<f64>();
    near(&Tensor::<f32, 0>::from(sum), of_sums::<f32>(), |_| expected);
}

#[defn]
fn pairs(
    x: (Tensor<f32, n>, (i32, Tensor<i32, n>)),
    y: [Tensor<f32, n>; 2],
) -> ((Tensor<f32, n>, i32), [Tensor<i32, n>; 2]) {
    let (a, (k, mut b)) = x;
    let mut both = (a + y[0], k * 2);
    both.0 += y[1];
    both.1 = both.1 - 1;
    b += k;
    (both, [b, x.1.1])
}

#[test]
fn tuples_and_arrays_nest() {
    let (a, b) = (floats::<f32, 1>([3], 1), whole::<i32, 1>([3], 2));
    let y = [floats::<f32, 1>([3], 3), floats::<f32, 1>([3], 4)];
    let found = pairs(&(a.clone(), (5, b.clone())), &y);
    same(&found.0.0, |at| a[at] + y[0][at] + y[1][at]);
    assert_eq!(found.0.1, 9);
    same(&found.1[0], |at| b[at] + 5);
    assert_eq!(found.1[1], b);
}

#[defn]
fn built(w: Tensor<f32, i, o>, steps: i64) -> Both<i, o> {
    let b = w.sum(i);
    Both { dense: Dense { w: 2.0 * w, b }, steps }
}

#[defn]
struct Both<i, o> {
    dense: Dense<i, o>,
    steps: i64,
}

#[test]
fn containers_are_built_in_bodies() {
    let w = floats::<f32, 2>([2, 3], 1);
    let found = built(&w, 8);
    same(&found.dense.w, |at| 2.0 * w[at]);
    same(&found.dense.b, |[j]| w[[0, j]] + w[[1, j]]);
    assert_eq!(found.steps, 8);
}

#[defn]
struct Typed<T: Float, n> {
    x: Tensor<T, n>,
    scale: T,
}

#[defn]
fn scaled<T: Float>(t: Typed<T, n>) -> Tensor<T, n> {
    t.x * t.scale
}

#[defn]
fn mapped(d: Dense<i, o>) -> Dense<i, o> {
    d.abs().sqrt()
}

#[test]
fn generic_containers_and_methods_of_containers() {
    let x = floats::<f64, 1>([3], 1);
    same(&scaled(&Typed { x: x.clone(), scale: 3.0 }), |at| x[at] * 3.0);
    let d = dense(2, 3, 1);
    let found = mapped(&d);
    same(&found.w, |at| d.w[at].abs().sqrt());
    same(&found.b, |at| d.b[at].abs().sqrt());
}
