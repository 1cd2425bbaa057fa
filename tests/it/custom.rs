//! Functions whose derivatives are rules: `#[defn(grad = …)]` and `#[defn(jvp = …)]`.

use crate::support::{SLOPE, SUM_F64, between, floats, near, same, slopes};
use defn::prelude::*;

/// x, whose gradient is clipped.
#[defn(grad = clip)]
fn clipped<T: Float>(x: Tensor<T, n>, limit: T) -> Tensor<T, n> {
    x + 0.0 * limit
}

#[defn]
fn clip<T: Float>(
    x: Tensor<T, k>,
    limit: T,
    y: Tensor<T, k>,
    c: Tensor<T, k>,
) -> (Tensor<T, k>, T) {
    (c.clamp(-limit, limit) + 0.0 * (x + y), 0.0)
}

#[defn]
fn loss(x: Tensor<f64, n>) -> f64 {
    (clipped(x, 1.0) * clipped(x, 1.0)).sum() + x.sum()
}

#[test]
fn gradients_are_those_of_the_rule() {
    let x = Tensor::from([0.1f64, 2.0, -3.0]);
    let c = Tensor::from([0.5, 7.0, -7.0]);
    assert_eq!(vjp!(clipped)(&x, 1.0, &c).1, Tensor::from([0.5, 1.0, -1.0]));
    let x32 = Tensor::from([0.1f32, 2.0]);
    assert_eq!(
        vjp!(clipped)(&x32, 2.0, &Tensor::from([5.0f32, 1.0])).1,
        Tensor::from([2.0f32, 1.0])
    );
    // Each call has a cotangent of x, clipped.
    near(&grad!(loss)(&x), SUM_F64, |[i]| 1.0 + 2.0 * x[[i]].clamp(-1.0, 1.0));
}

/// √x whose slope at 0 is 0.
#[defn(grad = root_slope, jvp = root_moves)]
pub(crate) fn root(x: f64) -> f64 {
    x.sqrt()
}

#[defn]
pub(crate) fn root_slope(x: f64, y: f64, c: f64) -> f64 {
    if x > 0.0 { c / (2.0 * y) } else { 0.0 }
}

#[defn]
pub(crate) fn root_moves(x: f64, v: f64) -> (f64, f64) {
    let y = x.sqrt();
    (y, if x > 0.0 { v / (2.0 * y) } else { 0.0 })
}

#[defn]
fn norm(x: Tensor<f64, n>) -> f64 {
    root((x * x).sum(n))
}

#[defn]
fn all_roots(x: Tensor<f64, a, b>) -> Tensor<f64, a, b> {
    root(x)
}

#[test]
fn rules_hold_in_every_mode_and_order() {
    let zero = Tensor::from([0.0, 0.0]);
    let x = Tensor::from([3.0, 4.0]);
    assert_eq!((norm(&x), norm(&zero)), (5.0, 0.0));
    assert_eq!(grad!(norm)(&zero), zero);
    near(&grad!(norm)(&x), SUM_F64, |at| x[at] / 5.0);
    assert_eq!(jvp!(norm)(&zero, &x), (0.0, 0.0));
    assert!((jvp!(norm)(&x, &Tensor::from([1.0, 1.0])).1 - 1.4).abs() < SUM_F64);
    // (δ − x x / |x|²) / |x|, and at 0 whatever the rules say of themselves.
    near(&hessian!(norm)(&x), SUM_F64, |[i, j]| {
        (f64::from(u8::from(i == j)) - x[[i]] * x[[j]] / 25.0) / 5.0
    });
    assert_eq!(hessian!(norm)(&zero), Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
    near(&grad!(grad_of_norm)(&x), SUM_F64, |[i]| {
        let row = hessian!(norm)(&x);
        row[[0, i]] + 2.0 * row[[1, i]]
    });
}

#[defn]
fn grad_of_norm(x: Tensor<f64, n>) -> f64 {
    let g = grad!(norm)(x);
    (g * (iota(n) as f64 + 1.0)).sum()
}

#[test]
fn functions_of_numbers_with_rules_are_lifted_and_mapped() {
    let x = Tensor::from([[0.0, 4.0, 9.0], [1.0, 0.0, 16.0]]);
    same(&all_roots(&x), |at| x[at].sqrt());
    let slope = |at: [usize; 2]| if x[at] > 0.0 { 0.5 / x[at].sqrt() } else { 0.0 };
    let ones = Tensor::ones([2, 3]);
    same(&vjp!(all_roots)(&x, &ones).1, slope);
    same(&jvp!(all_roots)(&x, &ones).1, slope);
    let full = jacobian!(all_roots)(&x);
    same(&full, |[a, b, c, d]| if (a, b) == (c, d) { slope([a, b]) } else { 0.0 });
    let mapped = vmap!(grad!(norm), over = row)(&x);
    same(&mapped, |[a, b]| grad!(norm)(&Tensor::from_fn([3], |[b]| x[[a, b]]))[[b]]);
    same(&grad!(sum_of_norms)(&x), |at| mapped[at]);
}

#[defn]
fn sum_of_norms(x: Tensor<f64, row, n>) -> f64 {
    vmap!(norm, over = row)(x).sum()
}

#[defn]
#[derive(Clone)]
struct Line<n> {
    w: Tensor<f64, n>,
    b: f64,
    hits: Tensor<i32, n>,
}

/// w·x + b, with everything that a rule is given in use.
#[defn(grad = predicted_gradients)]
fn predicted(p: Line<n>, step: i32, x: Tensor<f64, n>) -> (f64, i32) {
    (p.w.dot(x, n) + p.b, step + p.hits.sum())
}

#[defn]
fn predicted_gradients(
    p: Line<n>,
    step: i32,
    x: Tensor<f64, n>,
    y: (f64, i32),
    c: (f64, i32),
) -> (Line<n>, Tensor<f64, n>) {
    // Ten times too much, so that it is seen; and nothing comes in for integers.
    let c = 10.0 * c.0 + c.1 as f64 + 0.0 * (y.0 + step as f64);
    (Line { w: c * x, b: c, hits: p.hits }, c * p.w)
}

#[defn]
fn squared(p: Line<n>, x: Tensor<f64, batch, n>, y: Tensor<f64, batch>) -> f64 {
    let (z, _) = vmap!(predicted, over = batch, of = x)(p, 1, x);
    (z - y).square().sum(batch)
}

#[test]
fn rules_of_containers_and_of_shared_parameters() {
    let p = Line { w: Tensor::from([1.0, -2.0]), b: 0.5, hits: Tensor::from([3, 4]) };
    let (x, y) = (floats::<f64, 2>([5, 2], 1), floats::<f64, 1>([5], 2));
    let errors = Tensor::<f64, 1>::from_fn([5], |[i]| {
        let row = Tensor::from_fn([2], |[n]| x[[i, n]]);
        predicted(&p, 1, &row).0 - y[[i]]
    });
    let (slope, by_x) = grad!(squared, wrt = (p, x))(&p, &x, &y);
    // 2 e, ten times.
    near(&slope.w, SUM_F64, |[n]| (0..5).map(|i| 20.0 * errors[[i]] * x[[i, n]]).sum());
    assert!((slope.b - 20.0 * errors.iter().sum::<f64>()).abs() < 1e-11);
    assert_eq!(slope.hits, Tensor::from([0, 0]));
    near(&by_x, SUM_F64, |[i, n]| 20.0 * errors[[i]] * p.w[[n]]);
}

/// Forward, and by its transpose backward: the tangent of x · tanh x, in a loop and with a branch.
#[defn(jvp = smooth_moves)]
fn smooth(x: Tensor<f64, n>, s: f64) -> Tensor<f64, n> {
    s * x * x.tanh()
}

#[defn]
fn smooth_moves(
    x: Tensor<f64, n>,
    s: f64,
    v: Tensor<f64, n>,
    vs: f64,
) -> (Tensor<f64, n>, Tensor<f64, n>) {
    let t = x.tanh();
    let mut moved = v * t;
    for i in 0..2 {
        moved = if i == 0 { moved + v * x * (1.0 - t * t) } else { moved * s };
    }
    (s * x * t, moved + vs * x * t)
}

#[defn]
fn repeated(x: Tensor<f64, n>, s: f64) -> f64 {
    let mut x = x;
    for i in 0..3 {
        x = if i == 1 { smooth(x, s) } else { x + 0.1 * smooth(x, 0.5 * s) };
    }
    while x.square().sum() > 0.5 {
        x = smooth(0.5 * x, s);
    }
    x.sum()
}

#[test]
fn rules_for_tangents_are_transposed() {
    let x = between::<f64, 1>([4], 3, (-1.0, 1.0));
    slopes(&grad!(repeated)(&x, 0.8), &x, |x| repeated(x, 0.8));
    let by_s = grad!(repeated, wrt = s)(&x, 0.8);
    let step = 1e-6;
    let expected = (repeated(&x, 0.8 + step) - repeated(&x, 0.8 - step)) / (2.0 * step);
    assert!((by_s - expected).abs() < SLOPE);
    let v = floats::<f64, 1>([4], 4);
    let gradient = grad!(repeated)(&x, 0.8);
    let along: f64 = gradient.iter().zip(v.iter()).map(|(g, v)| g * v).sum();
    assert!((jvp!(repeated)(&x, 0.8, &v).1 - along).abs() < SUM_F64);
    let bend = hessian!(repeated)(&x, 0.8);
    near(&bend, 1e-6, |[i, j]| {
        let moved = |by: f64| Tensor::from_fn([4], |[k]| x[[k]] + if k == j { by } else { 0.0 });
        (grad!(repeated)(&moved(step), 0.8)[[i]] - grad!(repeated)(&moved(-step), 0.8)[[i]])
            / (2.0 * step)
    });
    let rows = floats::<f64, 2>([3, 4], 5);
    let mapped = vmap!(grad!(repeated), over = b, of = x)(&rows, 0.8);
    near(&mapped, SUM_F64, |[b, i]| {
        grad!(repeated)(&Tensor::from_fn([4], |[i]| rows[[b, i]]), 0.8)[[i]]
    });
}

/// Only gradients are known, so that all derivatives are taken backward.
#[defn(grad = doubled)]
fn twice(x: Tensor<f64, n>) -> Tensor<f64, n> {
    x + x
}

#[defn]
fn doubled(x: Tensor<f64, n>, y: Tensor<f64, n>, c: Tensor<f64, n>) -> Tensor<f64, n> {
    2.0 * c * x.exp() + 0.0 * y
}

#[defn]
fn energy(x: Tensor<f64, n>) -> f64 {
    twice(x).sum()
}

#[test]
fn jacobians_go_backward_where_only_gradients_are_known() {
    let x = Tensor::from([0.0f64, 1.0, -1.0]);
    let expected = |[i, j]: [usize; 2]| if i == j { 2.0 * x[[i]].exp() } else { 0.0 };
    near(&jacobian!(twice)(&x), SUM_F64, expected);
    near(&hessian!(energy)(&x), SUM_F64, expected);
}

/// The square root by Newton's method, and its derivative by the implicit function theorem.
#[defn(grad = implicit)]
fn newton_root(a: Tensor<f64, n>) -> Tensor<f64, n> {
    let mut x = a.max(1.0);
    while (x * x - a).abs().max() > 1e-14 {
        x = 0.5 * (x + a / x);
    }
    x
}

#[defn]
fn implicit(a: Tensor<f64, n>, x: Tensor<f64, n>, c: Tensor<f64, n>) -> Tensor<f64, n> {
    c / (2.0 * x) + 0.0 * a
}

#[test]
fn a_solver_is_differentiated_at_its_solution() {
    let a = Tensor::from([2.0, 3.0, 0.5]);
    near(&newton_root(&a), SUM_F64, |at| a[at].sqrt());
    let c = Tensor::from([1.0, -1.0, 2.0]);
    near(&vjp!(newton_root)(&a, &c).1, SUM_F64, |at| c[at] / (2.0 * a[at].sqrt()));
}

/// Runs for ever where there is no root.
#[defn(grad = implicit_number)]
fn number_root(a: f64) -> f64 {
    let mut x = a.max(1.0);
    while (x * x - a).abs() > 1e-13 {
        x = 0.5 * (x + a / x);
    }
    x
}

#[defn]
fn implicit_number(a: f64, x: f64, c: f64) -> f64 {
    c / (2.0 * x) + 0.0 * a
}

#[defn]
fn guarded(a: f64, s: f64) -> f64 {
    if a > 0.0 { s * number_root(a) } else { a }
}

#[defn]
fn guarded_sum(a: Tensor<f64, b>, s: f64) -> f64 {
    vmap!(guarded, over = b, of = a)(a, s).sum()
}

#[test]
fn a_solver_ends_where_it_is_not_wanted() {
    for a in [vec![4.0, -1.0, 9.0], vec![-1.0, -2.0], vec![2.0], vec![]] {
        let a = Tensor::<f64, 1>::from_fn([a.len()], |[i]| a[i]);
        let value = |[i]: [usize; 1]| if a[[i]] > 0.0 { 2.0 * a[[i]].sqrt() } else { a[[i]] };
        near(&vmap!(guarded, over = b, of = a)(&a, 2.0), SUM_F64, value);
        let slope = |[i]: [usize; 1]| if a[[i]] > 0.0 { 1.0 / a[[i]].sqrt() } else { 1.0 };
        near(&grad!(guarded_sum)(&a, 2.0), SUM_F64, slope);
        near(&vmap!(grad!(guarded), over = b, of = a)(&a, 2.0), SUM_F64, slope);
    }
}
