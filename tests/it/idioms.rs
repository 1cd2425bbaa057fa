//! Ways of writing that users try.

use crate::support::{SLOPE, floats, near, same, slopes, whole};
use defn::prelude::*;

#[defn]
fn precedence(x: Tensor<f32, n>, s: f32) -> (Tensor<f32, n>, Tensor<f32, n>, f32, Tensor<f32, n>) {
    let typed: Tensor<f32, n> = 1.0 / (x + 3.0) * n as f32 - -x.abs();
    let a: f32 = 3;
    let powers = 2f32.powf(x) + x.pow(2) - x.pow(0) + (x + 3.0).pow(-2) + x.powi(5);
    (typed, powers, s.exp().max(a).sqrt(), x * select(x > 0.0, 1.0, s))
}

#[test]
fn operators_bind_as_in_rust() {
    let x = floats::<f32, 1>([6], 1);
    let found = precedence(&x, 0.5);
    same(&found.0, |at| 1.0 / (x[at] + 3.0) * 6.0 - -x[at].abs());
    near(&found.1, 1e-5, |at| {
        let x = f64::from(x[at]);
        x.exp2() + x * x - 1.0 + (x + 3.0).powi(-2) + x.powi(5)
    });
    assert_eq!(found.2, 3f32.sqrt());
    same(&found.3, |at| x[at] * if x[at] > 0.0 { 1.0 } else { 0.5 });
}

#[defn]
fn halves(
    x: Tensor<f32, n>,
) -> (Tensor<f32, n<{ n / 2 }>>, Tensor<f32, n<{ n - n / 2 }>>, Tensor<f32, n>) {
    let (a, b) = (x.slice(n, ..n / 2), x.slice(n, n / 2..));
    (a, b, concat(n, b, a))
}

#[test]
fn quotients_of_extents_round_down() {
    for n in [0, 1, 2, 7, 16] {
        let x = floats::<f32, 1>([n], 1);
        let found = halves(&x);
        assert_eq!((found.0.len(), found.1.len()), (n / 2, n - n / 2));
        same(&found.0, |at| x[at]);
        same(&found.1, |[i]| x[[n / 2 + i]]);
        same(&found.2, |[i]| x[[(i + n / 2) % n]]);
    }
}

#[defn]
fn gathered_scalars(
    a: f32,
    b: f32,
    x: Tensor<f32, n>,
    u: Tensor<f32, { m }, { 2 }>,
    at: i64,
) -> (Tensor<f32, k<3>>, f32, f32, Tensor<f32, n>, Tensor<f32, { 2 * m }, { 2 }>) {
    (
        stack(k, a, b, a),
        x.take(n, 1),
        x.take(n, at),
        x.add_at(n, at, a),
        concat(axis = 0, u, u * 2.0),
    )
}

#[test]
fn scalars_are_tensors_without_axes() {
    let (x, u) = (floats::<f32, 1>([4], 1), floats::<f32, 2>([3, 2], 2));
    let found = gathered_scalars(1.0, 2.0, &x, &u, 2);
    assert_eq!(found.0.to_vec(), [1.0, 2.0, 1.0]);
    assert_eq!((found.1, found.2), (x[[1]], x[[2]]));
    same(&found.3, |[i]| x[[i]] + if i == 2 { 1.0 } else { 0.0 });
    same(&found.4, |[i, j]| if i < 3 { u[[i, j]] } else { 2.0 * u[[i - 3, j]] });
}

#[defn]
fn cubic(x: f64) -> f64 {
    x.powi(3) + 2.0 * x.sin()
}

#[defn]
fn cubics(x: Tensor<f64, n>) -> f64 {
    cubic(x).sum()
}

#[defn]
fn slopes_of_each(x: Tensor<f64, n>, y: f64) -> (Tensor<f64, n>, f64) {
    let slope = grad!(cubics);
    (slope(x), grad!(grad!(cubic))(y))
}

#[test]
fn a_gradient_is_a_function() {
    let x = floats::<f64, 1>([7], 1);
    let found = slopes_of_each(&x, 0.3);
    near(&found.0, SLOPE, |at| 3.0 * x[at] * x[at] + 2.0 * x[at].cos());
    near(&Tensor::<f64, 0>::from(found.1), SLOPE, |_| 6.0 * 0.3 - 2.0 * 0.3f64.sin());
}

#[defn]
type Vector<T: Float, n> = Tensor<T, n>;

#[defn]
#[derive(Clone)]
struct Pair<T: Float, n> {
    a: Vector<T, n>,
    b: [Vector<T, n>; 2],
}

#[defn]
fn of_pair<T: Float>(p: Pair<T, n>, s: (T, [T; 2])) -> T {
    let (a, b) = (p.a, p.b);
    (a * b[0] + b[1].square() * s.0).sum() * s.1[0] + s.1[1].exp()
}

#[defn]
fn slope_of_pair<T: Float>(p: Pair<T, n>, s: (T, [T; 2])) -> (Pair<T, n>, (T, [T; 2])) {
    grad!(of_pair, wrt = (p, s))(p, s)
}

#[test]
fn gradients_of_generic_containers_and_arrays() {
    let p = Pair::<f64> { a: floats([3], 1), b: [floats([3], 2), floats([3], 3)] };
    let s = (0.5, [2.0, 0.25]);
    let (dp, ds) = slope_of_pair(&p, &s);
    let with = |a: &Tensor<f64, 1>, b: &Tensor<f64, 1>| {
        of_pair(&Pair { a: a.clone(), b: [p.b[0].clone(), b.clone()] }, &s)
    };
    slopes(&dp.a, &p.a, |a| with(a, &p.b[1]));
    slopes(&dp.b[1], &p.b[1], |b| with(&p.a, b));
    near(&Tensor::<f64, 0>::from(ds.1[1]), SLOPE, |_| 0.25f64.exp());
    near(&Tensor::<f64, 0>::from(ds.0), SLOPE, |_| 2.0 * p.b[1].iter().map(|x| x * x).sum::<f64>());
    let single = Pair::<f32> { a: p.a.cast(), b: [p.b[0].cast(), p.b[1].cast()] };
    let found = slope_of_pair(&single, &(0.5, [2.0, 0.25])).0;
    near(&found.a, 1e-5, |at| dp.a[at]);
}

#[defn]
fn with_extent(x: Tensor<f64, n>, k: usize) -> f64 {
    (x.broadcast(copy = k).square() * iota(copy = k) as f64).sum()
}

#[test]
fn a_gradient_beside_an_extent() {
    let x = floats::<f64, 1>([4], 1);
    slopes(&grad!(with_extent)(&x, 3), &x, |x| with_extent(x, 3));
    assert_eq!(grad!(with_extent)(&x, 0), Tensor::zeros([4]));
}

#[defn]
fn swapped(p: &mut (Tensor<f32, n>, Tensor<f32, n>), q: &mut [Tensor<f32, n>; 2]) {
    let old = p.0;
    p.0 = p.1;
    p.1 = old;
    *q = [q[1], q[0]];
    q[1] += 1.0;
}

#[test]
fn places_may_swap() {
    let (a, b) = (floats::<f32, 1>([5], 1), floats::<f32, 1>([5], 2));
    let (mut p, mut q) = ((a.clone(), b.clone()), [a.clone(), b.clone()]);
    swapped(&mut p, &mut q);
    assert_eq!((&p.0, &p.1, &q[0]), (&b, &a, &b));
    same(&q[1], |at| a[at] + 1.0);
}

#[defn]
fn shuffled(x: &mut Tensor<f32, n>, y: Tensor<i64, n>) -> Tensor<f32, n> {
    let before = x;
    *x = x.reverse(n) + x.take(n, y);
    *x = concat(n, x.slice(n, 1..), x.slice(n, ..1));
    before - x
}

#[test]
fn an_update_reads_what_it_overwrites() {
    for n in [1, 2, 5, 33] {
        let (mut x, y) = (floats::<f32, 1>([n], 1), whole::<i64, 1>([n], 2));
        let old = x.copied();
        let found = shuffled(&mut x, &y);
        let taken = |i: usize| old[[n - 1 - i]] + old[[(y[[i]].max(0) as usize).min(n - 1)]];
        same(&x, |[i]| taken((i + 1) % n));
        same(&found, |[i]| old[[i]] - taken((i + 1) % n));
    }
}

#[defn]
fn transposed_in_place(x: &mut Tensor<f32, a<n>, b<n>>) {
    *x = x.rename(a, c).rename(b, a).rename(c, b);
}

#[test]
fn a_square_matrix_is_transposed_in_place() {
    for n in [0, 1, 5, 17] {
        let mut x = floats::<f32, 2>([n, n], 1);
        let old = x.copied();
        transposed_in_place(&mut x);
        assert_eq!(x, old.transposed());
    }
}

#[defn]
fn ties(x: Tensor<f64, n>) -> f64 {
    x.max() * 3.0 + x.max(1.0).sum() + x.min(1.0).sum()
}

#[test]
fn ties_share_what_is_one_slope() {
    let g = grad!(ties)(&Tensor::from(vec![1.0, 1.0, 0.0]));
    assert_eq!(g.iter().sum::<f64>(), 3.0 + 2.0 + 1.0);
}

#[defn]
fn million(x: Tensor<f32, n>) -> (f32, f32, f32, f32) {
    (x.sum(), x.mean(), x.variance(), x.logsumexp())
}

#[test]
fn sums_of_a_million_terms_stay_near() {
    let x = floats::<f32, 1>([1_000_003], 1);
    let found = million(&x);
    let count = 1_000_003.0;
    let sum: f64 = x.iter().map(|x| f64::from(*x)).sum();
    let variance = x.iter().map(|x| (f64::from(*x) - sum / count).powi(2)).sum::<f64>() / count;
    let lse = x.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
    // Errors grow with the terms that one lane adds up, not with what is left after they cancel.
    assert!((f64::from(found.0) - sum).abs() < 1.0, "{} {sum}", found.0);
    near(&Tensor::<f32, 0>::from(found.1), 1e-6, |_| sum / count);
    near(&Tensor::<f32, 0>::from(found.2), 1e-4, |_| variance);
    near(&Tensor::<f32, 0>::from(found.3), 1e-5, |_| lse);
}
