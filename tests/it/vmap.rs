//! `vmap!`: functions over one more axis, in bodies and from Rust, nested with other requests, each against plain loops.

use crate::support::{EXTENTS, between, floats, near, same, slopes, whole};
use defn::prelude::*;

/// One position of the first axis.
fn row(x: &Tensor<f64, 2>, at: usize) -> Tensor<f64, 1> {
    Tensor::from_fn([x.shape()[1]], |[j]| x[[at, j]])
}

#[defn]
fn distance(x: Tensor<f64, n>, y: Tensor<f64, n>) -> f64 {
    ((x - y) * (x - y)).sum().sqrt()
}

#[defn]
fn distances(x: Tensor<f64, n, b>, y: Tensor<f64, b, n>) -> Tensor<f64, b> {
    vmap!(distance, over = b)(x, y)
}

#[test]
fn the_axis_is_where_its_name_is() {
    for (b, n) in [(0, 3), (3, 0), (1, 1), (5, 17)] {
        let (x, y) = (floats([b, n], 1), floats([b, n], 2));
        let across = Tensor::from_fn([n, b], |[i, j]| x[[j, i]]);
        let twin = |[i]: [usize; 1]| distance(&row(&x, i), &row(&y, i));
        near(&vmap!(distance, over = b)(&x, &y), 1e-12, twin);
        near(&distances(&across, &y), 1e-12, twin);
        let first = row(&floats([1, n], 3), 0);
        let shared = vmap!(distance, over = b, of = x)(&x, &first);
        near(&shared, 1e-12, |[i]| distance(&row(&x, i), &first));
    }
}

/// All pairs.
#[defn]
fn pairs(x: Tensor<f64, i, n>, y: Tensor<f64, j, n>) -> Tensor<f64, i, j> {
    vmap!(vmap!(distance, over = j, of = y), over = i, of = x)(x, y)
}

#[test]
fn maps_nest() {
    for (i, j, n) in [(0, 2, 3), (2, 0, 3), (3, 4, 5)] {
        let (x, y) = (floats([i, n], 1), floats([j, n], 2));
        let twin = |[i, j]: [usize; 2]| distance(&row(&x, i), &row(&y, j));
        near(&pairs(&x, &y), 1e-12, twin);
        let inner = vmap!(vmap!(distance, over = j, of = y), over = i, of = x);
        near(&inner(&x, &y), 1e-12, twin);
    }
}

#[defn]
fn root(x: f64, tolerance: f64) -> (f64, i64) {
    let mut guess = x.max(1.0);
    let mut steps = 0i64;
    while (guess * guess - x).abs() > tolerance * x {
        guess = 0.5 * (guess + x / guess);
        steps += 1;
    }
    (guess, steps)
}

#[test]
fn loops_end_at_different_times() {
    for n in EXTENTS {
        let x = between([n], 1, (0.01, 1e6));
        let (found, steps) = vmap!(root, over = b, of = x)(&x, 1e-9);
        same(&found, |at| root(x[at], 1e-9).0);
        same(&steps, |at| root(x[at], 1e-9).1);
    }
}

/// The loop would not end for what is negative.
#[defn]
fn root_or_none(x: f64) -> f64 {
    if x < 0.0 { -1.0 } else { root(x, 1e-9).0 }
}

#[test]
fn a_loop_waits_for_no_one_else() {
    let x = floats([17], 1);
    same(&vmap!(root_or_none, over = b)(&x), |at| root_or_none(x[at]));
}

/// A recurrent cell, with what it gives at each step.
/// A product where the sum is negative, else steps until it is small: sides that take long.
#[defn]
fn sorted_out(x: Tensor<f64, n>, w: Tensor<f64, n, out<n>>, limit: f64) -> (Tensor<f64, n>, f64) {
    if x.sum() < 0.0 {
        ((x.dot(w, n)).tanh().rename(out, n), 1.0)
    } else {
        let mut y = x;
        while (y * y).sum() > limit {
            y = 0.5 * y;
        }
        (y, 2.0)
    }
}

#[defn]
fn sum_sorted_out(x: Tensor<f64, b, n>, w: Tensor<f64, n, out<n>>, limit: f64) -> f64 {
    let (y, side) = vmap!(sorted_out, over = b, of = x)(x, w, limit);
    (y * y * side).sum()
}

#[defn]
fn sum_of_one(x: Tensor<f64, n>, w: Tensor<f64, n, out<n>>, limit: f64) -> f64 {
    let (y, side) = sorted_out(x, w, limit);
    (y * y * side).sum()
}

#[test]
fn dear_sides_run_for_those_that_take_them() {
    for (b, n) in [(0, 3), (1, 4), (7, 0), (31, 2), (32, 5), (33, 5), (200, 3)] {
        for shift in [-1.0, 0.0, 1.0] {
            let x: Tensor<f64, 2> = floats([b, n], 1);
            let x = Tensor::from_fn([b, n], |at| x[at] + shift);
            let w = floats([n, n], 2);
            let (y, side) = vmap!(sorted_out, over = b, of = x)(&x, &w, 0.25);
            near(&y, 1e-12, |[i, j]| sorted_out(&row(&x, i), &w, 0.25).0[[j]]);
            near(&side, 0.0, |[i]| sorted_out(&row(&x, i), &w, 0.25).1);
            let (of_x, of_w) = grad!(sum_sorted_out, wrt = (x, w))(&x, &w, 0.25);
            let each = |i| grad!(sum_of_one, wrt = (x, w))(&row(&x, i), &w, 0.25);
            near(&of_x, 1e-12, |[i, j]| each(i).0[[j]]);
            near(&of_w, 1e-12, |[i, j]| (0..b).map(|it| each(it).1[[i, j]]).sum());
        }
    }
}

#[defn]
fn recurrent(xs: Tensor<f64, time>, w: f64) -> (f64, Tensor<f64, time>) {
    let mut h = 0.0_f64;
    let ys = for x in xs.along(time) {
        h = (w * h + x).tanh();
        h
    };
    (h, ys)
}

#[test]
fn sequences_keep_their_axis() {
    for (b, n) in [(0, 3), (3, 0), (3, 7)] {
        let xs = floats([b, n], 1);
        let ws = floats([b], 2);
        let (last, all) = vmap!(recurrent, over = b)(&xs, &ws);
        near(&last, 1e-12, |[i]| recurrent(&row(&xs, i), ws[[i]]).0);
        near(&all, 1e-12, |[i, t]| recurrent(&row(&xs, i), ws[[i]]).1[[t]]);
        let (last, _) = vmap!(recurrent, over = b, of = w)(&row(&floats([1, n], 3), 0), &ws);
        near(&last, 1e-12, |[i]| recurrent(&row(&floats([1, n], 3), 0), ws[[i]]).0);
    }
}

#[defn]
#[derive(Clone, Debug)]
struct Mlp {
    w: Tensor<f64, inp, hidden>,
    b: Tensor<f64, hidden>,
    v: Tensor<f64, hidden>,
}

fn mlp(inp: usize, hidden: usize) -> Mlp {
    Mlp { w: floats([inp, hidden], 1), b: floats([hidden], 2), v: floats([hidden], 3) }
}

#[defn]
fn loss(p: Mlp, x: Tensor<f64, inp>, y: f64) -> f64 {
    let h = (x.dot(p.w, inp) + p.b).tanh();
    (h.dot(p.v, hidden) - y).square()
}

/// The squared length of the gradient of each example: a container of which each leaf has one more axis.
#[defn]
fn lengths(p: Mlp, x: Tensor<f64, example, inp>, y: Tensor<f64, example>) -> Tensor<f64, example> {
    let g = vmap!(grad!(loss), over = example, of = (x, y))(p, x, y);
    g.w.square().sum(inp, hidden) + g.b.square().sum(hidden) + g.v.square().sum(hidden)
}

#[test]
fn gradients_of_each_example() {
    for (examples, inp, hidden) in [(0, 2, 3), (1, 1, 1), (5, 3, 7)] {
        let p = mlp(inp, hidden);
        let (x, y) = (floats([examples, inp], 4), floats([examples], 5));
        near(&lengths(&p, &x, &y), 1e-10, |[i]| {
            let g = grad!(loss)(&p, &row(&x, i), y[[i]]);
            g.w.iter().chain(g.b.iter()).chain(g.v.iter()).map(|it| it * it).sum()
        });
        let slope = vmap!(grad!(loss, wrt = x), over = example, of = (x, y))(&p, &x, &y);
        near(&slope, 1e-11, |[i, j]| grad!(loss, wrt = x)(&p, &row(&x, i), y[[i]])[[j]]);
        let (value, _) =
            vmap!(value_and_grad!(loss, wrt = x), over = example, of = (x, y))(&p, &x, &y);
        near(&value, 1e-12, |[i]| loss(&p, &row(&x, i), y[[i]]));
    }
}

/// One step for each of several models, whose leaves all have the axis.
#[defn]
fn steps(p: Mlp, rates: Tensor<f64, model>, x: Tensor<f64, inp>, y: f64) -> Tensor<f64, model> {
    let many = vmap!(step, over = model, of = rate)(p, rates, x, y);
    vmap!(loss, over = model, of = p)(many, x, y)
}

#[defn]
fn step(p: Mlp, rate: f64, x: Tensor<f64, inp>, y: f64) -> Mlp {
    p - rate * grad!(loss)(p, x, y)
}

#[test]
fn containers_with_the_axis() {
    let p = mlp(3, 5);
    let (rates, x) = (between([4], 7, (0.0, 0.5)), floats([3], 8));
    near(&steps(&p, &rates, &x, 0.3), 1e-12, |at| loss(&step(&p, rates[at], &x, 0.3), &x, 0.3));
}

/// A mean over examples that are mapped, which is differentiated.
#[defn]
fn mean_loss(p: Mlp, x: Tensor<f64, example, inp>, y: Tensor<f64, example>) -> f64 {
    vmap!(loss, over = example, of = (x, y))(p, x, y).mean()
}

#[defn]
fn smooth_root(x: Tensor<f64, b>) -> f64 {
    let (roots, _) = vmap!(root, over = b, of = x)(x, 1e-12);
    (roots * roots * roots).sum()
}

#[test]
fn gradients_of_what_maps() {
    let p = mlp(3, 5);
    let (x, y) = (floats([4, 3], 9), floats([4], 10));
    let found = grad!(mean_loss)(&p, &x, &y);
    slopes(&found.w, &p.w, |w| mean_loss(&Mlp { w: w.copied(), ..p.clone() }, &x, &y));
    slopes(&grad!(mean_loss, wrt = x)(&p, &x, &y), &x, |x| mean_loss(&p, x, &y));
    let x = between([5], 11, (0.5, 4.0));
    slopes(&grad!(smooth_root)(&x), &x, smooth_root);
}

#[defn]
fn looked_up(table: Tensor<f32, row, n>, at: Tensor<i64, k>, from: usize) -> Tensor<f32, k, n> {
    table.take(row, at + from as i64).sort(n)
}

#[test]
fn what_is_shared_is_shared() {
    let table: Tensor<f32, 2> = floats([6, 3], 1);
    let at = whole([4, 2], 2);
    let found = vmap!(looked_up, over = b, of = at)(&table, &at, 2);
    for i in 0..4 {
        let alone = looked_up(&table, &Tensor::from_fn([2], |[j]| at[[i, j]]), 2);
        same(&Tensor::from_fn([2, 3], |[k, j]| found[[i, k, j]]), |at| alone[at]);
    }
    let tables: Tensor<f32, 3> = floats([4, 6, 3], 1);
    let found = vmap!(looked_up, over = b)(&tables, &at, 2);
    for i in 0..4 {
        let table = Tensor::from_fn([6, 3], |[j, k]| tables[[i, j, k]]);
        let alone = looked_up(&table, &Tensor::from_fn([2], |[j]| at[[i, j]]), 2);
        same(&Tensor::from_fn([2, 3], |[k, j]| found[[i, k, j]]), |at| alone[at]);
    }
}

#[defn]
fn scaled<T: Float>(x: Tensor<T, n>, by: T) -> (Tensor<T, n>, T) {
    (x * by, x.max())
}

#[test]
fn element_types_are_found() {
    let (x, by): (Tensor<f32, 2>, Tensor<f32, 1>) = (floats([3, 2], 1), floats([3], 2));
    let (found, largest) = vmap!(scaled, over = b)(&x, &by);
    same(&found, |[i, j]| x[[i, j]] * by[[i]]);
    same(&largest, |[i]| x[[i, 0]].max(x[[i, 1]]));
}

#[test]
#[should_panic(expected = "b")]
fn extents_of_mapped_axes_agree() {
    let _ = vmap!(distance, over = b)(&floats([3, 2], 1), &floats([4, 2], 1));
}

/// Several models walk side by side through a loop of unknown length around the map.
#[defn]
fn descended(x: Tensor<f64, b, n>, limit: f64) -> (Tensor<f64, b, n>, i64) {
    let mut x = x;
    let mut steps = 0i64;
    while vmap!(bowl, over = b)(x).max() > limit {
        x -= 0.25 * vmap!(grad!(bowl), over = b)(x);
        steps += 1;
    }
    (x, steps)
}

#[defn]
fn bowl(x: Tensor<f64, n>) -> f64 {
    (x * x).sum()
}

#[test]
fn maps_stand_in_loops() {
    let x = floats([3, 4], 12);
    let (found, steps) = descended(&x, 1e-3);
    assert!(steps > 3);
    near(&found, 1e-12, |at| x[at] * 0.5f64.powi(steps as i32));
}

/// Seen from outside, with a part that is not.
#[defn]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layered {
    first: Part<i, o>,
    /// Twice the same.
    pub(crate) rest: [Part<o, next<o>>; 2],
    scale: (f64, i64),
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Part<i, o> {
    w: Tensor<f64, i, o>,
    b: Tensor<f64, o>,
}

#[defn]
fn layered(p: Layered, x: Tensor<f64, i>) -> f64 {
    let mut h = (x.dot(p.first.w, i) + p.first.b).tanh();
    for part in p.rest {
        h = (h.dot(part.w, o) + part.b).tanh().rename(next, o);
    }
    p.scale.0 * h.sum()
}

/// What a function gives may be a container too.
#[defn]
fn stepped(p: Layered, x: Tensor<f64, i>) -> (f64, Layered) {
    let (value, slope) = value_and_grad!(layered)(p, x);
    (value, p - 0.1 * slope)
}

fn layers(seed: u64) -> Layered {
    let part = |i, o, seed| Part { w: floats([i, o], seed), b: floats([o], seed + 1) };
    Layered {
        first: part(2, 3, seed),
        rest: [part(3, 3, seed + 2), part(3, 3, seed + 4)],
        scale: (seed as f64, 4),
    }
}

#[test]
fn containers_are_mapped_from_rust() {
    let models: Vec<Layered> = (0..4).map(|k| layers(10 * k)).collect();
    let many = defn::stack(&models);
    assert_eq!(many.rest[1].w.shape(), [4, 3, 3]);
    let x = floats::<f64, 1>([2], 1);
    let values = vmap!(layered, over = model, of = p)(&many, &x);
    near(&values, 1e-12, |[k]| layered(&models[k], &x));
    let (_, after) = vmap!(stepped, over = model, of = p)(&many, &x);
    for (k, model) in models.iter().enumerate() {
        let (found, expected) = (defn::at::<Layered>(&after, k), stepped(model, &x).1);
        near(&found.rest[0].w, 1e-12, |at| expected.rest[0].w[at]);
        near(&found.first.b, 1e-12, |at| expected.first.b[at]);
        assert_eq!(found.scale.1, 4);
    }
}

#[test]
fn gradients_of_each_example_from_rust() {
    let (p, xs) = (layers(3), floats::<f64, 2>([5, 2], 1));
    let g = vmap!(grad!(layered), over = example, of = x)(&p, &xs);
    assert_eq!(g.first.w.shape(), [5, 2, 3]);
    for k in 0..5 {
        let expected = grad!(layered)(&p, &row(&xs, k));
        near(&defn::at::<Layered>(&g, k).first.w, 1e-12, |at| expected.first.w[at]);
    }
    // A literal of the struct with the axis, by an alias.
    type Many = defn::Mapped<Layered>;
    let Many { first, rest, scale } = g.clone();
    assert_eq!(Many { first, rest, scale }, g);
}

#[defn]
struct Line<T: Float, n> {
    slope: Tensor<T, n>,
    at: T,
}

#[defn]
fn height<T: Float>(line: Line<T, n>, x: Tensor<T, n>) -> T {
    (line.slope * x).sum() + line.at
}

#[defn]
fn drawn(key: Key, n: usize) -> Tensor<f32, n> {
    uniform::<f32>(key, n)
}

#[test]
fn generic_containers_and_keys_are_mapped_from_rust() {
    let line = |k: f32| Line { slope: Tensor::from([k, 1.0]), at: 2.0 * k };
    let lines = defn::stack(&[line(1.0), line(2.0), line(3.0)]);
    let x = Tensor::from([10.0_f32, 1.0]);
    let found = vmap!(height, over = k, of = line)(&lines, &x);
    assert_eq!(found, Tensor::from([13.0_f32, 25.0, 37.0]));
    let keys = [Key::new(1), Key::new(2)];
    let found = vmap!(drawn, over = k, of = key)(&defn::stack(&keys), 3);
    for (k, key) in keys.iter().enumerate() {
        assert_eq!(found.index_axis(0, k).copied(), drawn(*key, 3));
    }
}
