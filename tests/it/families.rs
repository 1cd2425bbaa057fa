//! Containers with more axes than they have: all derivatives of them and with respect to them, and several mapped axes.

use crate::support::{SLOPE, STEP, SUM_F64, near, same};
use defn::prelude::*;

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Inner<n> {
    w: Tensor<f64, n>,
    pair: (f64, [f64; 2]),
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Model<n, m> {
    inner: Inner<n>,
    twice: [Tensor<f64, m>; 2],
    at: f64,
}

fn model(by: f64) -> Model {
    Model {
        inner: Inner { w: Tensor::from([0.3 + by, -0.7]), pair: (1.1, [0.4, -0.2]) },
        twice: [Tensor::from([0.5, 0.1, 0.9]), Tensor::from([-0.3, 0.8, 0.2 - by])],
        at: 0.6 + 2.0 * by,
    }
}

#[defn]
fn energy(p: Model<n, m>) -> f64 {
    let pair = p.inner.pair;
    (p.inner.w * p.inner.w).sum() * p.at.sin()
        + (p.twice[0] * p.twice[1]).sum() * p.at
        + pair.0 * pair.1[0] * pair.1[1]
}

#[defn]
fn waves(p: Model<n, m>, x: Tensor<f64, k>) -> Tensor<f64, k> {
    (x * p.at).sin() * p.inner.w.sum() + p.twice[1].square().sum() * p.inner.pair.1[1]
}

#[test]
fn of_one_number_the_jacobian_has_the_shapes_of_the_gradient() {
    let p = model(0.0);
    let (all, slope) = (jacobian!(energy)(&p), grad!(energy)(&p));
    assert_eq!(all.inner.w, slope.inner.w);
    assert_eq!(all.inner.pair, slope.inner.pair);
    assert_eq!(all.twice, slope.twice);
    assert_eq!(all.at, slope.at);
    let named: defn::Jacobian<f64, Model> = all.clone();
    assert_eq!(named, all);
}

#[test]
fn each_leaf_has_the_axes_of_the_result_in_front() {
    let (p, x) = (model(0.0), Tensor::from([0.1, 1.3]));
    let (of_p, of_x) = jacobian!(waves, wrt = (p, x))(&p, &x);
    let moved = |change: &dyn Fn(&mut Model, f64), row: usize| {
        let step = |by: f64| {
            let mut p = p.clone();
            change(&mut p, by);
            waves(&p, &x)[[row]]
        };
        (step(STEP) - step(-STEP)) / (2.0 * STEP)
    };
    near(&of_p.inner.w, SLOPE, |[row, n]| moved(&|p, by| p.inner.w[[n]] += by, row));
    near(&of_p.twice[1], SLOPE, |[row, m]| moved(&|p, by| p.twice[1][[m]] += by, row));
    near(&of_p.inner.pair.1[1], SLOPE, |[row]| moved(&|p, by| p.inner.pair.1[1] += by, row));
    near(&of_p.at, SLOPE, |[row]| moved(&|p, by| p.at += by, row));
    assert_eq!(of_p.twice[0], Tensor::zeros([2, 3]));
    let wave = |row: usize| p.at * (x[[row]] * p.at).cos() * (0.3 - 0.7);
    near(&of_x, SUM_F64, |[row, k]| if row == k { wave(row) } else { 0.0 });
    // For none of the results there is nothing.
    let none = jacobian!(waves)(&p, &Tensor::zeros([0]));
    assert_eq!((none.inner.w.shape(), none.at.shape()), ([0, 2], [0]));
}

#[defn]
fn turned(p: Model<n, m>, by: Tensor<f64, k>) -> (Inner<n>, f64) {
    let pair = p.inner.pair;
    let w = p.inner.w * p.at * by.sum();
    (Inner { w, pair: (pair.1[0] * p.at, [pair.0, p.at * p.at]) }, p.twice[0].sum())
}

#[test]
fn for_each_leaf_of_the_result_there_is_a_container() {
    let (p, by) = (model(0.0), Tensor::from([1.5, 0.5]));
    let (inner, sum) = jacobian!(turned)(&p, &by);
    same(&inner.w.inner.w, |[i, j]| if i == j { p.at * 2.0 } else { 0.0 });
    same(&inner.w.at, |[i]| p.inner.w[[i]] * 2.0);
    assert_eq!(inner.w.twice[1], Tensor::zeros([2, 3]));
    assert_eq!(inner.pair.0.at, 0.4);
    assert_eq!(inner.pair.0.inner.pair.1, [0.6, 0.0]);
    assert_eq!((inner.pair.1[0].inner.pair.0, inner.pair.1[1].at), (1.0, 1.2));
    assert_eq!(sum.twice, [Tensor::from([1.0; 3]), Tensor::zeros([3])]);
    // With respect to a tensor: each leaf has its axis behind its own.
    let (inner, sum) = jacobian!(turned, wrt = by)(&p, &by);
    same(&inner.w, |[i, _]| p.inner.w[[i]] * p.at);
    assert_eq!((inner.pair.0, sum), (Tensor::zeros([2]), Tensor::zeros([2])));
    // And to both: a tuple in place of each leaf.
    let (inner, _) = jacobian!(turned, wrt = (by, p))(&p, &by);
    same(&inner.w.0, |[i, _]| p.inner.w[[i]] * p.at);
    same(&inner.w.1.at, |[i]| p.inner.w[[i]] * 2.0);
}

#[test]
fn hessians_of_containers_are_containers_of_containers() {
    let p = model(0.0);
    let bend = hessian!(energy)(&p);
    let named: defn::Jacobian<Model, Model> = bend.clone();
    assert_eq!(named, bend);
    let (sine, cosine) = p.at.sin_cos();
    let w = &p.inner.w;
    near(&bend.inner.w.inner.w, SUM_F64, |[i, j]| if i == j { 2.0 * sine } else { 0.0 });
    near(&bend.inner.w.at, SUM_F64, |[i]| 2.0 * w[[i]] * cosine);
    near(&bend.at.inner.w, SUM_F64, |[i]| 2.0 * w[[i]] * cosine);
    near(&bend.twice[0].twice[1], SUM_F64, |[i, j]| if i == j { p.at } else { 0.0 });
    same(&bend.at.twice[0], |[i]| p.twice[1][[i]]);
    assert_eq!(bend.inner.pair.1[0].inner.pair.0, -0.2);
    let square: f64 = w.iter().map(|w| w * w).sum();
    assert!((bend.at.at + square * sine).abs() <= SUM_F64);
    // Third derivatives: one more container inside of each.
    let third = jacobian!(jacobian!(jacobian!(energy)))(&p);
    near(&third.at.inner.w.inner.w, SUM_F64, |[i, j]| if i == j { 2.0 * cosine } else { 0.0 });
    near(&third.inner.w.inner.w.at, SUM_F64, |[i, j]| if i == j { 2.0 * cosine } else { 0.0 });
    assert_eq!(third.inner.pair.0.inner.pair.1[0].inner.pair.1[1], 1.0);
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Typed<T: Float, n> {
    x: Tensor<T, n>,
    parts: (T, [T; 2], i32),
}

#[defn]
fn typed<T: Float>(t: Typed<T, n>, s: T) -> Typed<T, n> {
    let parts = t.parts;
    Typed { x: t.x * s * parts.0, parts: (s, [parts.1[1], s * s], parts.2 + 1) }
}

#[defn]
struct Slope<T: Float, n> {
    x: Tensor<T, n>,
    by: T,
}

#[defn]
fn sloped<T: Float>(t: Slope<T, n>, s: T) -> (Tensor<T, n>, T) {
    (t.x * t.by * s, t.by * s * s)
}

#[test]
fn generic_containers_have_all_derivatives() {
    let t = Slope { x: Tensor::from([1.0f32, 2.0]), by: 3.0 };
    let (of_x, of_by) = jacobian!(sloped)(&t, 2.0);
    assert_eq!(of_x.x, Tensor::from([[6.0f32, 0.0], [0.0, 6.0]]));
    assert_eq!(of_x.by, Tensor::from([2.0f32, 4.0]));
    assert_eq!((of_by.x, of_by.by), (Tensor::from([0.0f32, 0.0]), 4.0));
    let t = Slope { x: Tensor::from([1.0f64, 2.0]), by: 3.0 };
    let ((_, by_s), _) = jacobian!(sloped, wrt = (t, s))(&t, 2.0);
    assert_eq!(by_s, Tensor::from([3.0, 6.0]));
}

#[test]
fn maps_of_jacobians_and_jacobians_of_maps() {
    let (p, xs) = (model(0.0), Tensor::from([[0.1, 1.3], [0.4, -0.2], [2.0, 0.0]]));
    let shared = vmap!(jacobian!(waves), over = row, of = x)(&p, &xs);
    let turned = jacobian!(vmap!(waves, over = row, of = x))(&p, &xs);
    let ps = defn::stack(&[model(0.0), model(0.1), model(0.2)]);
    let own = vmap!(jacobian!(waves), over = row)(&ps, &xs);
    for row in 0..3 {
        let x = Tensor::from([xs[[row, 0]], xs[[row, 1]]]);
        let alone = jacobian!(waves)(&p, &x);
        near(&alone.at, SUM_F64, |[k]| shared.at[[row, k]]);
        near(&alone.inner.w, SUM_F64, |[k, n]| turned.inner.w[[row, k, n]]);
        let alone = jacobian!(waves)(&model(0.1 * row as f64), &x);
        near(&alone.inner.pair.1[1], SUM_F64, |[k]| own.inner.pair.1[1][[row, k]]);
        near(&alone.twice[1], SUM_F64, |[k, m]| own.twice[1][[row, k, m]]);
    }
}

#[test]
fn several_mapped_axes() {
    let row = |from: f64| {
        let models: Vec<Model> = (0..3).map(|k| model(from + 0.1 * f64::from(k))).collect();
        defn::stack(&models)
    };
    let grid: defn::Mapped<defn::Mapped<Model>> = defn::stack(&[row(0.0), row(1.0)]);
    assert_eq!(grid.inner.w.shape(), [2, 3, 2]);
    assert_eq!(grid.inner.pair.1[0].shape(), [2, 3]);
    let second = defn::at::<defn::Mapped<Model>>(&grid, 1);
    assert_eq!(second, row(1.0));
    assert_eq!(defn::at::<Model>(&second, 2), model(1.0 + 0.2));
    let found = vmap!(vmap!(energy, over = column), over = row)(&grid);
    same(&found, |[r, c]| energy(&defn::at::<Model>(&row(r as f64), c)));
    // Gradients have both axes too, and a result that is a container.
    let slopes = vmap!(vmap!(grad!(energy), over = column), over = row)(&grid);
    let by = Tensor::from([1.5, 0.5]);
    let (inner, _) = vmap!(vmap!(turned, over = column, of = p), over = row, of = p)(&grid, &by);
    for (r, c) in [(0, 0), (1, 2)] {
        let alone = defn::at::<Model>(&row(r as f64), c);
        same(&grad!(energy)(&alone).twice[1], |[m]| slopes.twice[1][[r, c, m]]);
        same(&turned(&alone, &by).0.w, |[n]| inner.w[[r, c, n]]);
    }
    // One axis of the container, two of the other.
    let x = Tensor::from([[[0.1], [0.2], [0.3]], [[0.4], [0.5], [0.6]]]);
    let mixed = vmap!(vmap!(waves, over = column), over = row, of = x)(&row(0.0), &x);
    let expected = |r: usize, c: usize| {
        waves(&defn::at::<Model>(&row(0.0), c), &Tensor::from([x[[r, c, 0]]]))[[0]]
    };
    same(&mixed, |[r, c, _]| expected(r, c));
}

#[test]
fn numbers_of_any_element_type_are_stacked() {
    let one =
        |k: i32| Typed { x: Tensor::from([k as f32]), parts: (k as f32, [0.5, k as f32 + 0.5], k) };
    let row = |from: i32| defn::stack(&[one(from), one(from + 1)]);
    let grid = defn::stack(&[row(0), row(10), row(20)]);
    assert_eq!(grid.parts.2, Tensor::from([[0, 1], [10, 11], [20, 21]]));
    assert_eq!(grid.parts.1[1], Tensor::from([[0.5f32, 1.5], [10.5, 11.5], [20.5, 21.5]]));
    assert_eq!(defn::at::<Typed<f32>>(&row(10), 1), one(11));
    let found = vmap!(vmap!(typed, over = c, of = t), over = r, of = t)(&grid, 2.0);
    assert_eq!(found.x, Tensor::from([[[0.0f32], [2.0]], [[200.0], [242.0]], [[800.0], [882.0]]]));
    assert_eq!(found.parts.1[0], grid.parts.1[1]);
    assert_eq!(found.parts.2, Tensor::from([[1, 2], [11, 12], [21, 22]]));
}
