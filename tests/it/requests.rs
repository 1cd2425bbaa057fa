//! `jvp!`, `vjp!`, `jacobian!` and `hessian!`, in bodies and from Rust, of each other and of `grad!` and `vmap!`; and `stop_grad`.

use crate::support::{SLOPE, STEP, SUM_F64, between, floats, near, same};
use defn::prelude::*;

#[defn]
fn layer(w: Tensor<f64, i, o>, x: Tensor<f64, i>, b: Tensor<f64, o>) -> Tensor<f64, o> {
    (x.dot(w, i) + b).tanh()
}

#[defn]
fn along(
    w: Tensor<f64, i, o>,
    x: Tensor<f64, i>,
    b: Tensor<f64, o>,
    v: Tensor<f64, i>,
) -> Tensor<f64, o> {
    let (_, tangent) = jvp!(layer, wrt = x)(w, x, b, v);
    tangent
}

#[defn]
fn against(
    w: Tensor<f64, i, o>,
    x: Tensor<f64, i>,
    b: Tensor<f64, o>,
    c: Tensor<f64, o>,
) -> Tensor<f64, i> {
    vjp!(layer, wrt = x)(w, x, b, c).1
}

fn inner<const RANK: usize>(x: &Tensor<f64, RANK>, y: &Tensor<f64, RANK>) -> f64 {
    x.iter().zip(y.iter()).map(|(x, y)| x * y).sum()
}

#[test]
fn tangents_and_cotangents_are_dual() {
    for (i, o) in [(0, 2), (1, 1), (3, 5), (17, 4)] {
        let (w, x, b) = (floats([i, o], 1), floats([i], 2), floats([o], 3));
        let (v, c) = (floats([i], 4), floats([o], 5));
        let (value, tangent) = jvp!(layer, wrt = x)(&w, &x, &b, &v);
        let (again, gradient) = vjp!(layer, wrt = x)(&w, &x, &b, &c);
        same(&value, |at| layer(&w, &x, &b)[at]);
        same(&again, |at| value[at]);
        same(&tangent, |at| along(&w, &x, &b, &v)[at]);
        same(&gradient, |at| against(&w, &x, &b, &c)[at]);
        // ⟨J v, c⟩ = ⟨v, Jᵀ c⟩
        let (left, right) = (inner(&tangent, &c), inner(&v, &gradient));
        assert!((left - right).abs() <= SUM_F64 * left.abs().max(1.0), "{left} {right}");
        // J v is the slope along v.
        let step = |by: f64| layer(&w, &Tensor::from_fn([i], |at| x[at] + by * v[at]), &b);
        let (high, low) = (step(STEP), step(-STEP));
        near(&tangent, SLOPE, |at| (high[at] - low[at]) / (2.0 * STEP));
    }
}

#[test]
fn several_parameters_have_a_tangent_each() {
    let (w, x, b) = (floats([3, 2], 1), floats([3], 2), floats([2], 3));
    let (dw, db, c) = (floats([3, 2], 4), floats([2], 5), floats([2], 6));
    let (_, tangent) = jvp!(layer, wrt = (b, w))(&w, &x, &b, &db, &dw);
    let (_, (gb, gw)) = vjp!(layer, wrt = (b, w))(&w, &x, &b, &c);
    let (left, right) = (inner(&tangent, &c), inner(&db, &gb) + inner(&dw, &gw));
    assert!((left - right).abs() <= SUM_F64 * left.abs().max(1.0), "{left} {right}");
}

#[defn]
#[derive(Clone)]
struct State<n> {
    at: Tensor<f64, n>,
    speed: f64,
    count: Tensor<i32, n>,
}

#[defn]
fn moved(s: State<n>, by: f64) -> (State<n>, i32) {
    let mut s = s;
    s.at = s.at * s.speed + by;
    s.speed = s.speed * by;
    s.count += 1;
    (s, s.count.sum())
}

#[test]
fn containers_have_tangents_and_cotangents_of_their_own_type() {
    let state = |at: [f64; 2], speed, count| State {
        at: Tensor::from(at),
        speed,
        count: Tensor::from([count, count]),
    };
    let s = state([1.0, 2.0], 3.0, 7);
    // What is passed for integers is not read, and what comes out for them is zero.
    let ((value, total), (tangent, none)) = jvp!(moved)(&s, 5.0, &state([1.0, 0.0], 1.0, 99));
    assert_eq!((value.at, value.speed, total), (Tensor::from([8.0, 11.0]), 15.0, 16));
    assert_eq!((tangent.at, tangent.speed, none), (Tensor::from([4.0, 2.0]), 5.0, 0));
    assert_eq!(tangent.count, Tensor::from([0, 0]));

    let cotangent = (state([1.0, 10.0], 100.0, 99), 99);
    let (_, (gs, gby)) = vjp!(moved, wrt = (s, by))(&s, 5.0, &cotangent);
    assert_eq!((gs.at, gs.speed, gby), (Tensor::from([3.0, 30.0]), 521.0, 311.0));
    assert_eq!(gs.count, Tensor::from([0, 0]));
}

#[defn]
fn tall(x: Tensor<f64, n>) -> Tensor<f64, n, k<3>> {
    x * x.sin() + (iota(k = 3) as f64)
}

#[defn]
fn linear(w: Tensor<f64, m, n>, x: Tensor<f64, n>) -> Tensor<f64, m> {
    w.dot(x, n)
}

#[defn]
fn in_a_body(w: Tensor<f64, m, n>, x: Tensor<f64, n>) -> (Tensor<f64, m, d_n<n>>, f64) {
    let j = jacobian!(linear, wrt = x)(w, x);
    (j, (j * j).sum(m, d_n))
}

#[test]
fn jacobians_have_the_axes_of_the_result_then_those_of_the_parameter() {
    for (m, n) in [(0, 0), (2, 0), (0, 2), (1, 1), (2, 5), (5, 2), (4, 4), (17, 33)] {
        let (w, x) = (floats([m, n], 1), floats([n], 2));
        // Fewer seeds are a matter of the call here.
        same(&jacobian!(linear, wrt = x)(&w, &x), |at| w[at]);
        let (j, square) = in_a_body(&w, &x);
        same(&j, |at| w[at]);
        assert!((square - inner(&w, &w)).abs() <= SUM_F64 * square.max(1.0));
        let by_w = jacobian!(linear, wrt = w)(&w, &x);
        same(&by_w, |[r, i, j]| if r == i { x[[j]] } else { 0.0 });
    }
    let x = floats::<f64, 1>([5], 3);
    let slope = |x: f64| x.sin() + x * x.cos();
    let found = jacobian!(tall)(&x);
    near(&found, SUM_F64, |[i, _, j]| if i == j { slope(x[[i]]) } else { 0.0 });
}

#[defn]
fn norms(x: Tensor<f64, a, b>, s: f64) -> (f64, Tensor<f64, a>) {
    (s * (x * x).sum(), x.sum(b) * s)
}

#[test]
fn several_results_and_parameters_make_tuples() {
    let x = floats::<f64, 2>([2, 3], 1);
    let ((of_norm_x, of_norm_s), (of_sum_x, of_sum_s)) = jacobian!(norms, wrt = (x, s))(&x, 3.0);
    same(&of_norm_x, |at| 6.0 * x[at]);
    assert!((of_norm_s - inner(&x, &x)).abs() <= SUM_F64 * of_norm_s);
    same(&of_sum_x, |[row, a, _]| if row == a { 3.0 } else { 0.0 });
    near(&of_sum_s, SUM_F64, |[a]| (0..3).map(|b| x[[a, b]]).sum());
}

#[defn]
fn unnamed(x: Tensor<f32, { n }>) -> Tensor<f32, { n }> {
    x * x
}

#[defn]
fn cubed<T: Float>(x: T) -> T {
    x * x * x
}

#[test]
fn numbers_and_unnamed_axes() {
    let x = Tensor::from([1.0f32, 2.0]);
    assert_eq!(jacobian!(unnamed)(&x), Tensor::from([[2.0f32, 0.0], [0.0, 4.0]]));
    assert_eq!(jacobian!(cubed)(2.0f32), 12.0);
    assert_eq!(hessian!(cubed)(2.0f64), 12.0);
    assert_eq!(jacobian!(jacobian!(jacobian!(cubed)))(2.0f64), 6.0);
    assert_eq!(jvp!(cubed)(2.0f64, 10.0), (8.0, 120.0));
    assert_eq!(vjp!(cubed)(2.0f32, 10.0), (8.0, 120.0));
    assert_eq!(jvp!(jvp!(cubed))(2.0f64, 1.0, 1.0), ((8.0, 12.0), (12.0, 12.0)));
    assert_eq!(vjp!(vjp!(cubed))(2.0f64, 1.0, &(0.0, 1.0)), ((8.0, 12.0), 12.0));
}

#[defn]
fn rosenbrock(x: Tensor<f64, n>) -> f64 {
    let (low, high) = (x.slice(n, 0..n - 1), x.slice(n, 1..n));
    (100.0 * (high - low * low).square() + (1.0 - low).square()).sum()
}

/// A step of Newton's method: the slope, and all second derivatives with the axes `n` and `d_n`.
#[defn]
fn curvature(x: Tensor<f64, n>) -> (Tensor<f64, n>, Tensor<f64, n, d_n<n>>) {
    (grad!(rosenbrock)(x), hessian!(rosenbrock)(x))
}

/// Elimination with the largest pivot.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()));
        let pivot = pivot.expect("a row is left");
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            let above = a[column].clone();
            a[row].iter_mut().zip(above).for_each(|(entry, above)| *entry -= factor * above);
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

#[test]
fn newton_finds_the_minimum_by_hessians() {
    let mut x = between::<f64, 1>([6], 7, (0.7, 1.3));
    for _ in 0..15 {
        let (slope, bend) = curvature(&x);
        same(&bend, |at| hessian!(rosenbrock)(&x)[at]);
        near(&bend, SUM_F64, |[i, j]| bend[[j, i]]);
        let rows = (0..6).map(|i| (0..6).map(|j| bend[[i, j]]).collect()).collect();
        let step = solve(rows, slope.iter().copied().collect());
        x = Tensor::from_fn([6], |[i]| x[[i]] - step[i]);
    }
    near(&x, SUM_F64, |_| 1.0);
}

#[test]
fn hessians_are_slopes_of_gradients() {
    let x = between::<f64, 1>([5], 8, (-1.0, 1.0));
    let bend = hessian!(rosenbrock)(&x);
    near(&bend, 1e-5, |[i, j]| {
        let step = |by: f64| {
            grad!(rosenbrock)(&Tensor::from_fn([5], |[k]| x[[k]] + if k == j { by } else { 0.0 }))
        };
        (step(STEP)[[i]] - step(-STEP)[[i]]) / (2.0 * STEP)
    });
}

#[defn]
fn coupled(x: Tensor<f64, n>, y: Tensor<f64, m>, s: f64) -> f64 {
    x.sum().powi(2) * y.sin().sum() * s * s
}

#[test]
fn mixed_second_derivatives_are_a_tuple_of_tuples() {
    let (x, y, s) = (floats::<f64, 1>([2], 1), floats::<f64, 1>([3], 2), 0.5);
    let ((xx, xs), (sx, ss)) = hessian!(coupled, wrt = (x, s))(&x, &y, s);
    let (sum, wave) = (x[[0]] + x[[1]], y.iter().map(|y| y.sin()).sum::<f64>());
    near(&xx, SUM_F64, |_| 2.0 * wave * s * s);
    near(&xs, SUM_F64, |_| 4.0 * sum * wave * s);
    same(&sx, |at| xs[at]);
    assert!((ss - 2.0 * sum * sum * wave).abs() <= SUM_F64 * ss.abs().max(1.0));
}

#[defn]
fn steps(x: Tensor<f64, n>, a: f64) -> Tensor<f64, n> {
    let mut x = x;
    for i in 0..4 {
        x = if i > 1 { x + a * x.sin() } else { x * a };
    }
    while x.square().sum() > 1.0 {
        x = x * 0.5 + 0.01 * a * x * x;
    }
    x
}

/// By differences.
fn slopes_of_steps(x: &Tensor<f64, 1>, a: f64, n: usize) -> Tensor<f64, 2> {
    Tensor::from_fn([n, n], |[i, j]| {
        let moved = |by: f64| Tensor::from_fn([n], |[k]| x[[k]] + if k == j { by } else { 0.0 });
        (steps(&moved(STEP), a)[[i]] - steps(&moved(-STEP), a)[[i]]) / (2.0 * STEP)
    })
}

#[test]
fn loops_and_branches_have_all_derivatives() {
    let x = Tensor::from([0.3, -0.8, 1.1]);
    let expected = slopes_of_steps(&x, 1.3, 3);
    near(&jacobian!(steps)(&x, 1.3), SLOPE, |at| expected[at]);
    let v = Tensor::from([1.0, -2.0, 0.5]);
    let (_, tangent) = jvp!(steps)(&x, 1.3, &v);
    near(&tangent, SLOPE, |[i]| (0..3).map(|j| expected[[i, j]] * v[[j]]).sum());
    let (_, gradient) = vjp!(steps)(&x, 1.3, &v);
    near(&gradient, SLOPE, |[j]| (0..3).map(|i| expected[[i, j]] * v[[i]]).sum());
}

#[defn]
fn each_jacobian(x: Tensor<f64, b, n>) -> Tensor<f64, b, n, d_n<n>> {
    vmap!(jacobian!(unit), over = b)(x)
}

#[defn]
fn unit(x: Tensor<f64, n>) -> Tensor<f64, n> {
    x / x.square().sum().sqrt()
}

#[test]
fn maps_of_derivatives_and_derivatives_of_maps() {
    let x = between::<f64, 2>([3, 2], 5, (0.5, 2.0));
    let each = vmap!(jacobian!(unit), over = b)(&x);
    same(&each_jacobian(&x), |at| each[at]);
    for b in 0..3 {
        let row = Tensor::from_fn([2], |[n]| x[[b, n]]);
        let alone = jacobian!(unit)(&row);
        near(&alone, SUM_F64, |[i, j]| each[[b, i, j]]);
    }
    let all = jacobian!(vmap!(unit, over = b))(&x);
    near(&all, SUM_F64, |[b, i, c, j]| if b == c { each[[b, i, j]] } else { 0.0 });
    let v = floats::<f64, 2>([3, 2], 6);
    let (_, tangent) = vmap!(jvp!(unit), over = b)(&x, &v);
    near(&tangent, SUM_F64, |[b, i]| (0..2).map(|j| each[[b, i, j]] * v[[b, j]]).sum());
    let (_, gradient) = vmap!(vjp!(unit), over = b)(&x, &v);
    near(&gradient, SUM_F64, |[b, j]| (0..2).map(|i| each[[b, i, j]] * v[[b, i]]).sum());
}

/// How much a layer stretches, which is differentiated through its Jacobian.
#[defn]
fn stretch(x: Tensor<f64, n>) -> f64 {
    jacobian!(unit)(x).square().sum()
}

#[test]
fn what_is_made_of_a_jacobian_has_a_gradient() {
    let x = Tensor::from([0.6, -1.2, 0.9]);
    // The projection on what is across x, over |x|: its square is (n − 1) / |x|².
    let length = inner(&x, &x);
    assert!((stretch(&x) - 2.0 / length).abs() < SUM_F64);
    near(&grad!(stretch)(&x), SUM_F64, |at| -4.0 * x[at] / (length * length));
    near(&jvp!(grad!(stretch))(&x, &x).1, 1e-11, |at| 12.0 * x[at] / (length * length));
}

#[test]
fn third_derivatives_have_names_of_their_own() {
    let third = jacobian!(jacobian!(jacobian!(unnamed_cube)))(&Tensor::from([1.0, 2.0]));
    same(&third, |[i, j, k, l]| if i == j && j == k && k == l { 6.0 } else { 0.0 });
    let x = Tensor::from([3.0, 4.0]);
    same(&second(&x), |[i, j, k]| if i == j && j == k { 6.0 * x[[i]] } else { 0.0 });
}

#[defn]
fn unnamed_cube(x: Tensor<f64, n>) -> Tensor<f64, n> {
    x * x * x
}

#[defn]
fn second(x: Tensor<f64, n>) -> Tensor<f64, n, d_n<n>, d_d_n<n>> {
    jacobian!(jacobian!(unnamed_cube))(x)
}

#[defn]
fn half_stopped(x: Tensor<f64, n>) -> Tensor<f64, n> {
    let mut y = x;
    for _ in 0..2 {
        y = y * stop_grad(x);
    }
    y
}

#[defn]
fn stopped_state(s: State<n>) -> f64 {
    let (still, speed) = stop_grad((s, s.speed));
    (s.at * still.at).sum() * speed * s.speed
}

#[test]
fn what_is_stopped_does_not_move() {
    let x = Tensor::from([2.0, 3.0]);
    assert_eq!(half_stopped(&x), Tensor::from([8.0, 27.0]));
    let slopes = Tensor::from([[4.0, 0.0], [0.0, 9.0]]);
    assert_eq!(jacobian!(half_stopped)(&x), slopes);
    let ones = Tensor::from([1.0, 1.0]);
    assert_eq!(jvp!(half_stopped)(&x, &ones).1, Tensor::from([4.0, 9.0]));
    assert_eq!(vjp!(half_stopped)(&x, &ones).1, Tensor::from([4.0, 9.0]));
    let rows = Tensor::from([[2.0, 3.0], [1.0, 0.0]]);
    let both = Tensor::from([[1.0, 1.0], [1.0, 1.0]]);
    let mapped = vmap!(jvp!(half_stopped), over = b)(&rows, &both).1;
    assert_eq!(mapped, Tensor::from([[4.0, 9.0], [1.0, 0.0]]));

    let s = State { at: x, speed: 5.0, count: Tensor::from([0, 0]) };
    let slope = grad!(stopped_state)(&s);
    assert_eq!((slope.at, slope.speed), (Tensor::from([50.0, 75.0]), 65.0));
}
