//! Gradients: of every operation, with respect to tensors, tuples and containers, in bodies and from Rust, of any order.

use crate::support::{SLOPE, between, floats, near, slope, slopes, truths, whole};
use defn::prelude::*;

/// Checks the gradient with respect to the first parameter against central differences.
macro_rules! check {
    ($function:ident($x:expr $(, $rest:expr)*)) => {{
        let x = &$x;
        let found = grad!($function)(x $(, $rest)*);
        slopes(&found, x, |x| $function(x $(, $rest)*));
    }};
}

#[defn]
fn of_arithmetic(x: Tensor<f64, n>, y: Tensor<f64, n>, s: f64) -> f64 {
    let a = x * y + x / (y + 3.0) - s * x;
    let b = -a.square() + x.powi(3) + x.mul_add(y, x) + (y - x) % 0.7;
    (a * b).sum() + x.abs().sum() + (x.max(y) * x.min(0.3)).sum() + x.clamp(-0.5, 0.5).sum()
}

#[defn]
fn of_functions(x: Tensor<f64, n>) -> f64 {
    let a = x.exp() + x.exp2() + x.expm1() + x.sigmoid() + x.erf() + x.tanh();
    let b =
        x.log() + x.log2() + x.log1p() + x.log10() + x.sqrt() + x.rsqrt() + x.cbrt() + x.recip();
    let c = x.sin() + x.cos() + x.tan() + x.asin() + x.acos() + x.atan() + x.sinh() + x.cosh();
    (a * b).sum() + (b * c).sum()
}

#[defn]
fn of_pairs(x: Tensor<f64, n>, y: Tensor<f64, n>) -> f64 {
    (x.pow(y) + y.pow(x) * 0.5 + x.atan2(y) + x.hypot(y) + x.powf(1.5)).sum()
}

#[defn]
fn of_steps(x: Tensor<f64, n>) -> f64 {
    (x.floor() + x.ceil() + x.round() + x.sign() + x.trunc()).sum() + (x.fract() * x).sum()
}

#[test]
fn gradients_of_elementwise_operations() {
    for n in [0, 1, 2, 9, 17] {
        let (x, y) = (floats([n], 1), floats([n], 2));
        check!(of_arithmetic(x, &y, 0.7));
        slopes(&grad!(of_arithmetic, wrt = y)(&x, &y, 0.7), &y, |y| of_arithmetic(&x, y, 0.7));
        check!(of_functions(between([n], 3, (0.1, 0.9))));
        let (x, y) = (between([n], 4, (0.3, 2.0)), between([n], 5, (0.3, 2.0)));
        check!(of_pairs(x, &y));
        slopes(&grad!(of_pairs, wrt = y)(&x, &y), &y, |y| of_pairs(&x, y));
        check!(of_steps(between([n], 6, (0.6, 0.9))));
    }
}

#[defn]
fn of_reductions(x: Tensor<f64, a, b, c>) -> f64 {
    let sums =
        x.sum(b).square().sum() + x.mean(a, c).exp().sum() + x.variance(b).sum() + x.variance();
    let soft = x.logsumexp(c).sum() + (x.softmax(a, b) * x).sum() + x.logsumexp();
    sums + soft + (x.max(a) * x.min(a)).sum() + x.max().square() + x.min(b, c).sum()
}

#[defn]
fn of_products(x: Tensor<f64, a, b>) -> f64 {
    x.product(b).sum() + x.product(a).square().sum() + 0.1 * x.product()
}

#[test]
fn gradients_of_reductions() {
    for shape in [[1, 1, 1], [2, 3, 4], [3, 5, 2], [1, 9, 1]] {
        check!(of_reductions(floats(shape, 1)));
    }
    for shape in [[0, 0], [1, 1], [2, 3], [3, 1], [4, 5]] {
        check!(of_products(between(shape, 2, (0.5, 1.5))));
    }
    let mut zeros = between([3, 3], 3, (0.5, 1.5));
    zeros[[0, 1]] = 0.0;
    zeros[[2, 2]] = 0.0;
    check!(of_products(zeros));
}

#[defn]
fn of_contractions(x: Tensor<f64, i, k>, y: Tensor<f64, k, j>, z: Tensor<f64, i, h, k>) -> f64 {
    let a = x.dot(y, k).tanh();
    let b = (x * z).sum(k);
    let c = (x * z * y).sum(k, h);
    a.square().sum()
        + b.exp().sum() * 0.1
        + c.sin().sum()
        + x.dot(x).sum()
        + x.dot(z, (i, k)).square().sum()
}

#[test]
fn gradients_of_contractions() {
    for [i, k, j, h] in [[1, 1, 1, 1], [2, 3, 4, 2], [3, 5, 2, 3], [2, 0, 2, 2]] {
        let (x, y, z) = (floats([i, k], 1), floats([k, j], 2), floats([i, h, k], 3));
        check!(of_contractions(x, &y, &z));
        slopes(&grad!(of_contractions, wrt = y)(&x, &y, &z), &y, |y| of_contractions(&x, y, &z));
        slopes(&grad!(of_contractions, wrt = z)(&x, &y, &z), &z, |z| of_contractions(&x, &y, z));
    }
}

#[defn]
fn of_movement(x: Tensor<f64, n<{ 2 * m }>, k>, w: Tensor<f64, n<{ 2 * m }>, k>, at: i64) -> f64 {
    let a = x.split(n, (two = 2, m)).order(m, k, two).reverse(m).merge((k, two), flat);
    let b = concat(n, x, 2.0 * w, x.reverse(n)).square().slice(n, 1..5 * m);
    let c = stack(p, x, w, x.exp()).sum(p, n).sin();
    let d = x.pad(k, (1, 2), value = x.sum()).roll(n, at).square();
    let e = x.rename(n, other).dot(w.rename(n, other)) + x.broadcast(q = 3).exp().sum();
    (a * a).sum()
        + b.sum()
        + c.sum()
        + d.sum()
        + e
        + (x.slice(n, at..at + m) * w.slice(n, ..m)).sum()
        + x.at(n, at).exp().sum()
        + x[(0, 0)]
}

#[test]
fn gradients_of_movement() {
    for (m, k) in [(1, 1), (2, 3), (3, 2)] {
        for at in [-7, 0, 1, 2, 50] {
            let (x, w) = (floats([2 * m, k], 1), floats([2 * m, k], 2));
            check!(of_movement(x, &w, at));
            slopes(&grad!(of_movement, wrt = w)(&x, &w, at), &w, |w| of_movement(&x, w, at));
        }
    }
}

#[defn]
fn of_positions(
    x: Tensor<f64, v, w>,
    ids: Tensor<i64, b, t>,
    y: Tensor<f64, b, t, w>,
    z: Tensor<i32, v>,
) -> f64 {
    let taken = x.take(v, ids);
    let added = x.add_at(v, ids, y * y);
    (taken * y).square().sum() + added.sin().sum() + x.take(w, z).exp().sum()
}

#[defn]
fn of_choices(x: Tensor<f64, n>, y: Tensor<f64, n>, mask: Tensor<bool, n>) -> f64 {
    let chosen = select(mask, x.square(), y * x) + select(x < y, x, 2.0 * y);
    chosen.sum() + x[0] * (mask.count() as f64) + x.take(n, x.argmax(n))
}

#[test]
fn gradients_of_gather_scatter_and_choice() {
    for (v, w, b, t) in [(1, 1, 1, 1), (4, 3, 2, 5), (3, 2, 0, 4), (5, 7, 3, 3)] {
        let ids = whole::<i64, 2>([b, t], 1);
        let (x, y, z) = (floats([v, w], 2), floats([b, t, w], 3), whole::<i32, 1>([v], 4));
        check!(of_positions(x, &ids, &y, &z));
        slopes(&grad!(of_positions, wrt = y)(&x, &ids, &y, &z), &y, |y| {
            of_positions(&x, &ids, y, &z)
        });
    }
    for n in [1, 2, 9] {
        let (x, y, mask) = (floats([n], 5), floats([n], 6), truths([n], 7));
        check!(of_choices(x, &y, &mask));
    }
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Dense<inp, out> {
    w: Tensor<f64, inp, out>,
    b: Tensor<f64, out>,
}

#[defn]
#[derive(Clone, Debug, PartialEq)]
struct Net {
    layers: [Dense<wide, next<wide>>; 2],
    scale: (f64, Tensor<f64, wide>),
    steps: i64,
}

fn dense(n: usize, seed: u64) -> Dense {
    Dense { w: floats([n, n], seed), b: floats([n], seed + 1) }
}

fn net(n: usize) -> Net {
    Net { layers: [dense(n, 1), dense(n, 3)], scale: (0.75, floats([n], 5)), steps: 4 }
}

#[defn]
fn energy(p: Net, x: Tensor<f64, batch, wide>) -> f64 {
    let h = (x.dot(p.layers[0].w, wide) + p.layers[0].b).tanh().rename(next, wide);
    let h = (h.dot(p.layers[1].w, wide) + p.layers[1].b).rename(next, wide) * p.scale.0;
    (h * p.scale.1).square().mean() * p.steps as f64
}

#[defn]
fn descend(p: &mut Net, x: Tensor<f64, batch, wide>, rate: f64) -> f64 {
    let (before, g) = value_and_grad!(energy)(p, x);
    *p = p - rate * g;
    before
}

#[defn]
fn both(p: Net, x: Tensor<f64, batch, wide>) -> (f64, Net, Tensor<f64, batch, wide>) {
    let (value, (g, dx)) = value_and_grad!(energy, wrt = (p, x))(p, x);
    (value, g, 2.0 * dx)
}

#[test]
fn gradients_of_containers() {
    for (batch, wide) in [(1, 1), (3, 2), (2, 5)] {
        let (p, x) = (net(wide), floats::<f64, 2>([batch, wide], 9));
        let g = grad!(energy)(&p, &x);
        let with = |change: &dyn Fn(&mut Net)| {
            let mut p = p.clone();
            change(&mut p);
            energy(&p, &x)
        };
        slopes(&g.layers[0].w, &p.layers[0].w, |w| with(&|p| p.layers[0].w = w.clone()));
        slopes(&g.layers[0].b, &p.layers[0].b, |b| with(&|p| p.layers[0].b = b.clone()));
        slopes(&g.layers[1].w, &p.layers[1].w, |w| with(&|p| p.layers[1].w = w.clone()));
        slopes(&g.scale.1, &p.scale.1, |s| with(&|p| p.scale.1 = s.clone()));
        let scale = Tensor::from(p.scale.0);
        slopes(&Tensor::<f64, 0>::from(g.scale.0), &scale, |s| with(&|p| p.scale.0 = s.item()));
        // Leaves that are no floats have no slope (R33).
        assert_eq!(g.steps, 0);

        let (value, (same, dx)) = value_and_grad!(energy, wrt = (p, x))(&p, &x);
        assert_eq!((value, &same), (energy(&p, &x), &g));
        slopes(&dx, &x, |x| energy(&p, x));
        let found = both(&p, &x);
        assert_eq!((found.0, &found.1), (value, &g));
        near(&found.2, SLOPE, |at| 2.0 * dx[at]);

        let mut moved = p.clone();
        assert_eq!(descend(&mut moved, &x, 0.01), value);
        near(&moved.layers[1].b, SLOPE, |at| p.layers[1].b[at] - 0.01 * g.layers[1].b[at]);
        assert_eq!(moved.steps, 4);
        assert!(energy(&moved, &x) <= value);
    }
}

#[defn]
fn with_rest(x: (Tensor<f64, n>, f64), k: i64) -> (f64, Tensor<f64, n>, i64) {
    let y = x.0 * x.1;
    (y.exp().sum(), y, k + 1)
}

#[test]
fn what_follows_the_value_is_returned_as_it_is() {
    let x = (floats::<f64, 1>([3], 1), 0.5);
    let (g, y, k) = grad!(with_rest)(&x, 4);
    slopes(&g.0, &x.0, |t| with_rest(&(t.clone(), 0.5), 0).0);
    slopes(&Tensor::<f64, 0>::from(g.1), &Tensor::from(0.5), |s| {
        with_rest(&(x.0.clone(), s.item()), 0).0
    });
    assert_eq!((&y, k), (&with_rest(&x, 0).1, 5));
    let ((value, ..), again) = value_and_grad!(with_rest)(&x, 4);
    assert_eq!((value, again), (with_rest(&x, 0).0, g));
}

#[defn]
fn cubic(x: f64) -> f64 {
    x.powi(4) + x.sin()
}

#[defn]
fn curvature(x: Tensor<f64, n>) -> f64 {
    (x.powi(3) * x.exp()).sum() + x.logsumexp() + (x.tanh() / (x.square() + 1.0)).sum()
}

#[defn]
fn slope_sum(x: Tensor<f64, n>, w: Tensor<f64, n>) -> f64 {
    (grad!(curvature)(x) * w).sum()
}

#[defn]
fn gradient_penalty(p: Net, x: Tensor<f64, batch, wide>) -> f64 {
    let g = grad!(energy, wrt = x)(p, x);
    (g.square().sum(wide).sqrt() - 1.0).square().mean()
}

#[test]
fn gradients_of_gradients() {
    for x in [-1.5, 0.0, 0.3, 2.0] {
        let near_to =
            |found: f64, expected: f64| near(&Tensor::<f64, 0>::from(found), SLOPE, |_| expected);
        near_to(grad!(cubic)(x), 4.0 * x.powi(3) + x.cos());
        near_to(grad!(grad!(cubic))(x), 12.0 * x * x - x.sin());
        near_to(grad!(grad!(grad!(cubic)))(x), 24.0 * x - x.cos());
        let (value, first) = value_and_grad!(grad!(cubic))(x);
        near_to(value, 4.0 * x.powi(3) + x.cos());
        near_to(first, 12.0 * x * x - x.sin());
    }
    for n in [1, 2, 7] {
        let (x, w) = (floats::<f64, 1>([n], 1), floats::<f64, 1>([n], 2));
        check!(slope_sum(x, &w));
        let (p, x) = (net(n), floats::<f64, 2>([3, n], 9));
        let g = grad!(gradient_penalty)(&p, &x);
        let w = &p.layers[0].w;
        slopes(&g.layers[0].w, w, |w| {
            let mut p = p.clone();
            p.layers[0].w = w.clone();
            gradient_penalty(&p, &x)
        });
    }
}

#[defn]
fn generic<T: Float>(x: Tensor<T, n, m>, y: Tensor<T, m>) -> T {
    let z = x.dot(y, m).tanh();
    (z * z).sum() + (x * y).max(m).sum()
}

mod elsewhere {
    //! Requests see functions of other modules by their paths.
    use defn::prelude::*;

    #[defn]
    pub(super) fn loss(x: Tensor<f64, n>) -> f64 {
        (x * x * x).sum()
    }
}

#[defn]
fn slope_elsewhere(x: Tensor<f64, n>) -> Tensor<f64, n> {
    grad!(elsewhere::loss)(x)
}

#[test]
fn requests_of_generic_functions_and_across_modules() {
    let (x, y) = (floats::<f64, 2>([3, 5], 1), floats::<f64, 1>([5], 2));
    let g = grad!(generic);
    slopes(&g(&x, &y), &x, |x| generic(x, &y));
    let single = grad!(generic)(&x.cast::<f32>(), &y.cast::<f32>());
    let double = slope(&x, |x| generic(x, &y));
    near(&single, 1e-4, |at| double[at]);
    let x = floats::<f64, 1>([4], 1);
    near(&slope_elsewhere(&x), SLOPE, |at| 3.0 * x[at] * x[at]);
    near(&grad!(elsewhere::loss)(&x), SLOPE, |at| 3.0 * x[at] * x[at]);
}

#[defn]
fn flat(x: Tensor<f64, n>, y: Tensor<f64, n>) -> f64 {
    y.sum() + (x > 0.0).count() as f64 + x.argmax() as f64
}

#[test]
fn what_does_not_depend_on_the_parameter_has_no_slope() {
    let (x, y) = (floats::<f64, 1>([5], 1), floats::<f64, 1>([5], 2));
    assert_eq!(grad!(flat)(&x, &y), Tensor::zeros([5]));
    assert_eq!(grad!(flat, wrt = y)(&x, &y), Tensor::ones([5]));
}
